package awslike

import "net/http"

// A fault is what happens to a request for no reason of its sender's.
type fault struct {
	refusal *refusal // instead of an answer
	lost    bool     // the connection is closed without a reply,
	after   bool     // after the request had its effect
}

// fault draws what happens to a call. Only Route 53 has faults.
func (f *Front) fault(c *call) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.service != "route53" || f.random.Float64()*100 >= f.o.Faults {
		return fault{}
	}
	var drawn fault
	name := ""
	switch f.random.IntN(5) {
	case 0:
		name, drawn.refusal = "500", &refusal{http.StatusInternalServerError, "InternalFailure",
			"The request processing has failed because of an unknown error."}
	case 1:
		name, drawn.refusal = "503", &refusal{http.StatusServiceUnavailable, "ServiceUnavailable",
			"The request has failed due to a temporary failure of the server."}
	case 2:
		name, drawn.refusal = "Throttling", throttled()
	case 3:
		name, drawn.lost = "lost before", true
	case 4:
		name, drawn.lost, drawn.after = "lost after", true, true
	}
	f.kept = append(f.kept, name+" "+c.operation)
	return drawn
}
