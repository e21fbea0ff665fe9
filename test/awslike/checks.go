package awslike

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/bulkhead-dns/bulkhead/health"
)

// createCheck makes a health check within the account's quota, which counts live checks. The same caller reference
// again is no further check. r53: B.8, C.8.
func (f *Front) createCheck(c *call) (*reply, error) {
	if err := f.toEngine(c); err != nil {
		return nil, err
	}
	f.creating.Lock()
	defer f.creating.Unlock()
	count, err := f.ask(c, http.MethodGet, "/2013-04-01/healthcheckcount", nil)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(firstOf(count.body, "HealthCheckCount")); err == nil && n >= f.o.HealthChecks {
		all, err := f.ask(c, http.MethodGet, "/2013-04-01/healthcheck?maxitems=1000", nil)
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(all.body, []byte("<CallerReference>"+firstOf(c.body, "CallerReference")+"</CallerReference>")) {
			return nil, &refusal{http.StatusBadRequest, "TooManyHealthChecks",
				"This health check can't be created because the current account has reached the limit on the number of active " +
					"health checks."}
		}
	}
	answer, err := f.pass(c)
	if err == nil && answer.ok() {
		f.mu.Lock()
		if id := firstOf(answer.body, "Id"); f.checks[id] == nil {
			f.checks[id] = &lately{created: time.Now()}
			f.checks[id].config = append(f.checks[id].config, past{until: time.Now()})
		}
		f.mu.Unlock()
	}
	return f.asAtAWS(answer), err
}

// intervals are those of AWS, and the engine's that stand for them. r53: B.2.
func (f *Front) intervals() (atAWS, here [2]int) {
	atAWS = [2]int{10, 30}
	here[0] = max(1, int(math.Round(10/f.o.Speed)))
	here[1] = max(here[0]+1, int(math.Round(30/f.o.Speed)))
	return atAWS, here
}

func element(name, text string) []byte { return []byte("<" + name + ">" + text + "</" + name + ">") }

// toEngine refuses settings of a health check that AWS refuses, and scales its interval.
func (f *Front) toEngine(c *call) error {
	if told := firstOf(c.body, "RequestInterval"); told != "" {
		scaled := ""
		atAWS, here := f.intervals()
		for i := range atAWS {
			if told == strconv.Itoa(atAWS[i]) {
				scaled = strconv.Itoa(here[i])
			}
		}
		if scaled == "" {
			return &refusal{http.StatusBadRequest, "InvalidInput",
				fmt.Sprintf("Invalid XML ; javax.xml.stream.XMLStreamException: "+
					"cvc-enumeration-valid: Value '%s' is not facet-valid with respect to enumeration '[10, 30]'. It must be a "+
					"value from the enumeration.", told)}
		}
		c.body = bytes.Replace(c.body, element("RequestInterval", told), element("RequestInterval", scaled), 1)
	}
	told := firstOf(c.body, "IPAddress")
	if a, err := netip.ParseAddr(told); err == nil && health.Restricted(a) {
		return &refusal{http.StatusBadRequest, "InvalidInput",
			fmt.Sprintf("Invalid parameter : %s address %s is forbidden.", family(a), told)}
	}
	if here := f.o.Endpoints[told]; here != "" {
		c.body = bytes.Replace(c.body, element("IPAddress", told), element("IPAddress", here), 1)
	}
	return nil
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// asAtAWS undoes in a reply what toEngine did.
func (f *Front) asAtAWS(answer *reply) *reply {
	if answer == nil || !answer.ok() {
		return answer
	}
	atAWS, here := f.intervals()
	for _, i := range []int{1, 0} { // the longer one first: what stands for it may be 10
		answer.body = bytes.ReplaceAll(answer.body, element("RequestInterval", strconv.Itoa(here[i])),
			element("RequestInterval", strconv.Itoa(atAWS[i])))
	}
	for public, here := range f.o.Endpoints {
		answer.body = bytes.ReplaceAll(answer.body, element("IPAddress", here), element("IPAddress", public))
	}
	return answer
}

// propagation is how long checkers take to begin with a new check (unconfirmed). r53: B.8.
const propagation = 15 * time.Second

// status has no reports of a check until the checkers know it.
func (f *Front) status(c *call) (*reply, error) {
	answer, err := f.pass(c)
	if err != nil || !answer.ok() {
		return answer, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.checks[c.id]; l != nil && time.Since(l.created) < f.scaled(propagation) {
		answer.body = replaceBetween(answer.body, "<HealthCheckObservations>", "</HealthCheckObservations>", nil)
	}
	return answer, nil
}

// replaceBetween puts something in the place of what stands between two texts.
func replaceBetween(body []byte, from, to string, by []byte) []byte {
	head, rest, found := bytes.Cut(body, []byte(from))
	_, tail, ended := bytes.Cut(rest, []byte(to))
	if !found || !ended {
		return body
	}
	return bytes.Join([][]byte{head, []byte(from), by, []byte(to), tail}, nil)
}
