package explain_test

import (
	"fmt"
	"testing"

	"github.com/bulkhead-dns/bulkhead/explain"
	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// crowd is a thousand applications in three Regions, by one routing policy.
func crowd(routing func(i int) func(*zone.ResourceRecordSet)) explain.Input {
	var checks []string
	var sets []zone.ResourceRecordSet
	for app := range 1000 {
		for i, region := range []string{"eu-west-1", "eu-central-1", "us-east-1"} {
			id := fmt.Sprintf("c%d-%d", app, i)
			checks = append(checks, fmt.Sprintf("%s=team/app%d/%s", id, app, region))
			s := zone.ResourceRecordSet{Name: zone.Name(fmt.Sprintf("app%d.example.com.", app)), Type: zone.A,
				SetIdentifier: region,
				HealthCheckID: id, TTL: new(int64(60)), ResourceRecords: []string{fmt.Sprintf("192.0.2.%d", i+1)}}
			routing(i)(&s)
			sets = append(sets, s)
		}
	}
	in := input(nil, checks, sets...)
	in.Provider = failover.AWS
	return in
}

func BenchmarkApplications(b *testing.B) {
	for name, routing := range map[string]func(i int) func(*zone.ResourceRecordSet){
		"latency": func(i int) func(*zone.ResourceRecordSet) {
			return latency([]string{"eu-west-1", "eu-central-1", "us-east-1"}[i])
		},
		"weighted": func(i int) func(*zone.ResourceRecordSet) { return weight(int64(10 * (i + 1))) },
	} {
		in := crowd(routing)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if list, err := explain.Applications(in); err != nil || len(list) != 1000 {
					b.Fatal(len(list), err)
				}
			}
		})
	}
}
