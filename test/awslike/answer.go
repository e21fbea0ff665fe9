package awslike

import (
	"bytes"
	"net/http"
	"strconv"
	"time"
)

// How long things take at AWS. Reference C.6 says nothing about processing; what is PENDING is documented as up to 60
// s.
const (
	pendingLeast = 30 * time.Second
	pendingMost  = 60 * time.Second
	// processing is how long a batch holds its zone (unconfirmed).
	processing = 300 * time.Millisecond
)

// answer passes a call on to the engine, and makes of its reply what AWS's would be.
func (f *Front) answer(c *call) (*reply, error) {
	switch c.operation {
	case "ChangeResourceRecordSets":
		return f.changeRecords(c)
	case "CreateHostedZone", "DeleteHostedZone":
		answer, err := f.pass(c)
		return f.delay(answer), err
	case "GetChange":
		answer, err := f.pass(c)
		return f.stillPending(c.id, answer), err
	case "CreateHealthCheck":
		return f.createCheck(c)
	case "UpdateHealthCheck", "DeleteHealthCheck", "ChangeTagsForResource":
		return f.changeCheck(c)
	case "ListHealthChecks":
		return f.listChecks(c)
	case "ListTagsForResources":
		return f.listTags(c)
	case "GetHealthCheck":
		answer, err := f.pass(c)
		return f.asAtAWS(answer), err
	case "GetHealthCheckStatus", "GetHealthCheckLastFailureReason":
		return f.status(c)
	case "GetAccountLimit", "GetHostedZoneLimit":
		answer, err := f.pass(c)
		return f.limit(c, answer), err
	}
	return f.pass(c)
}

func (f *Front) pass(c *call) (*reply, error) {
	return f.ask(c, c.Method, c.URL.RequestURI(), c.body)
}

// changeRecords sends a batch, one of a zone at a time. r53: C.6.
func (f *Front) changeRecords(c *call) (*reply, error) {
	f.mu.Lock()
	if f.busy[c.id] {
		f.mu.Unlock()
		return nil, &refusal{http.StatusBadRequest, "PriorRequestNotComplete",
			"The request was rejected because Route 53 was still processing a prior request."}
	}
	f.busy[c.id] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.busy, c.id)
	}()
	timer := time.NewTimer(f.scaled(processing))
	defer timer.Stop()
	answer, err := f.pass(c)
	<-timer.C
	return f.delay(answer), err
}

// delay makes the change of a reply PENDING for a while.
func (f *Front) delay(answer *reply) *reply {
	if answer == nil || !answer.ok() {
		return answer
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if change := bytes.TrimPrefix([]byte(firstOf(afterElement(answer.body, "ChangeInfo"), "Id")),
		[]byte("/change/")); len(change) > 0 {
		f.pending[string(change)] = time.Now().Add(f.scaled(pendingLeast +
			time.Duration(f.random.Int64N(int64(pendingMost-pendingLeast)))))
		answer.body = bytes.Replace(answer.body, []byte("<Status>INSYNC</Status>"), []byte("<Status>PENDING</Status>"), 1)
	}
	return answer
}

func (f *Front) stillPending(id string, answer *reply) *reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	if answer != nil && time.Now().Before(f.pending[id]) {
		answer.body = bytes.Replace(answer.body, []byte("<Status>INSYNC</Status>"), []byte("<Status>PENDING</Status>"), 1)
	}
	return answer
}

func afterElement(body []byte, element string) []byte {
	_, rest, _ := bytes.Cut(body, []byte("<"+element+">"))
	return rest
}

// limit puts the account's quotas in place of the engine's. r53: C.8.
func (f *Front) limit(c *call, answer *reply) *reply {
	if answer == nil || !answer.ok() {
		return answer
	}
	value := 0
	switch firstOf(answer.body, "Type") {
	case "MAX_HEALTH_CHECKS_BY_OWNER":
		value = f.o.HealthChecks
	case "MAX_HOSTED_ZONES_BY_OWNER":
		value = 500
	case "MAX_RRSETS_BY_ZONE":
		value = 10_000
	default:
		return answer
	}
	was := firstOf(answer.body, "Value")
	answer.body = bytes.Replace(answer.body, []byte("<Value>"+was+"</Value>"),
		[]byte("<Value>"+strconv.Itoa(value)+"</Value>"), 1)
	return answer
}
