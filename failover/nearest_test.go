package failover

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What a refused objective names is true: a policy that is set to it, Region by Region, is accepted and takes as long
// as it says.
func TestNearestSettingThatIsToldIsAccepted(t *testing.T) {
	setting := regexp.MustCompile(`(?:(\w+) with )?requestInterval (\d+), failureThreshold (\d+), ttl (\d+)`)
	takes := regexp.MustCompile(` takes ([0-9a-z.]+)`)
	r := rand.New(rand.NewPCG(3, 4))
	told, impossible, mixed := 0, 0, 0
	for n := range 2000 {
		provider := []Provider{AWS, Engine}[r.IntN(2)]
		class := Class{Spec: ClassSpec{Fastest: Fastest{RequestInterval: []int{0, 10, 30}[r.IntN(3)],
			FailureThreshold: r.IntN(3)}}}
		var regions []string
		for i := range 1 + r.IntN(3) {
			regions = append(regions, fmt.Sprintf("{name: r%d, location: {country: \"%s\"}, addresses: [93.184.216.%d], ttl: "+
				"%d, healthCheck: {type: %s, port: 80, requestInterval: %d, failureThreshold: %d}}", i,
				[]string{"*", "DE", "FR"}[i],
				30+i, 10+10*r.IntN(30), []string{"HTTP", "TCP"}[r.IntN(2)], []int{30, 30, 10}[r.IntN(3)], 2+r.IntN(4)))
		}
		p := Default(policyOf(t, fmt.Sprintf("{hostname: a.example.com, routing: {policy: Geolocation}, objectives: {rto: "+
			"%ds}, regions: [%s]}",
			20+r.IntN(250), strings.Join(regions, ", "))), nil)
		asked := p.Spec.Objectives.RTO
		p.Spec.Objectives.RTO = 0
		if Validate(p, &class, Facts{Provider: provider}) != nil {
			continue // faster than the class allows: the objective is not looked at
		}
		p.Spec.Objectives.RTO = asked
		reason := unmet(p, class.Spec.Fastest, provider)
		if reason == "" {
			continue
		}
		_, nearest, _ := strings.Cut(reason, "; ")
		settings := setting.FindAllStringSubmatch(nearest, -1)
		if len(settings) != 1 && len(settings) != len(p.Spec.Regions) {
			t.Fatalf("case %d: %q names %d settings for %d Regions", n, reason, len(settings), len(p.Spec.Regions))
		}
		for i := range p.Spec.Regions {
			region, of := &p.Spec.Regions[i], settings[0]
			if len(settings) > 1 {
				mixed++
				of = settings[i]
				if of[1] != region.Name {
					t.Fatalf("case %d: %q names %s, want %s", n, reason, of[1], region.Name)
				}
			}
			number := func(text string) int {
				v, err := strconv.Atoi(text)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			region.HealthCheck.RequestInterval, region.HealthCheck.FailureThreshold = new(number(of[2])), new(number(of[3]))
			region.TTL = new(int64(number(of[4])))
		}
		worst, want := Objectives(p, provider).Worst, time.Duration(p.Spec.Objectives.RTO)
		if got := takes.FindStringSubmatch(nearest); got == nil || got[1] != short(worst) {
			t.Errorf("case %d: %q, but it takes %s", n, reason, short(worst))
		}
		if strings.HasPrefix(nearest, "the fastest") {
			impossible++
			if worst <= want {
				t.Errorf("case %d: %q, but %s is fast enough for %s", n, reason, short(worst), short(want))
			}
			continue
		}
		told++
		if err := Validate(p, &class, Facts{Provider: provider}); err != nil {
			t.Errorf("case %d: %q, but it is refused: %v", n, reason, err)
		}
	}
	if told < 200 || impossible < 50 || mixed < 50 {
		t.Errorf("%d settings told, %d impossible, %d Regions of mixed policies: the property says little", told, impossible,
			mixed)
	}
}
