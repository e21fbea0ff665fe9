package failover

import "testing"

// An endpoint of any partition of AWS is AWS, and nothing else is. r53: C.1.
func TestProviderAt(t *testing.T) {
	for endpoint, want := range map[string]Provider{
		"":                                   AWS,
		"https://route53.amazonaws.com":      AWS,
		"https://route53.amazonaws.com:443/": AWS,
		"https://route53-fips.amazonaws.com": AWS,
		"https://route53.global.api.aws":     AWS,
		"https://route53.amazonaws.com.cn":   AWS,
		"https://route53.global.api.amazonwebservices.com.cn": AWS,
		"https://route53.us-gov.amazonaws.com":                AWS,
		"https://route53.us-gov.api.aws":                      AWS,
		"https://route53.amazonaws.eu":                        AWS,
		"https://route53.c2s.ic.gov":                          AWS,
		"https://route53.sc2s.sgov.gov":                       AWS,
		"http://127.0.0.1:8053":                               Engine,
		"http://[::1]:8053":                                   Engine,
		"https://dns.bank.example":                            Engine,
		"https://amazonaws.com.bank.example":                  Engine,
		"https://myamazonaws.com":                             Engine,
		"http://%zz":                                          Engine,
	} {
		if got := ProviderAt(endpoint); got != want {
			t.Errorf("%s is %s, want %s", endpoint, got, want)
		}
	}
}
