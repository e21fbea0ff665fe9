package failover

import (
	"net/url"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// ProviderAt tells where records live by the URL of the Route 53 API: AWS, whatever partition the host is in, or an
// engine. An empty URL is AWS, as for the SDK.
func ProviderAt(endpoint string) Provider {
	if endpoint == "" {
		return AWS
	}
	if u, err := url.Parse(endpoint); err == nil {
		if _, aws := zone.PartitionOfHost(u.Hostname()); aws {
			return AWS
		}
	}
	return Engine
}
