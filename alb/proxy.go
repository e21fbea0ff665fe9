package alb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP routes one request: by the first rule that matches, to a target of its group or with its fixed response.
func (lb *LoadBalancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action, t := lb.route(requestHost(r), r.URL.EscapedPath())
	switch {
	case action.FixedResponse != nil:
		action.FixedResponse.write(w)
	case t == nil:
		writeError(w, http.StatusServiceUnavailable) // an ALB's answer when the target group has no registered target
	default:
		defer t.inFlight.Done()
		lb.forward(w, r, t)
	}
}

// requestHost is the host a rule is matched with: lower case, without port and final dot.
func requestHost(r *http.Request) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// route finds the action and, when it forwards, the target with one request in flight added.
func (lb *LoadBalancer) route(host, path string) (Action, *target) {
	lb.mu.Lock()
	defer lb.mu.Unlock()
	action := lb.fallback
	for _, r := range lb.rules {
		if r.matches(host, path) {
			action = r.Action
			break
		}
	}
	if action.FixedResponse != nil {
		return action, nil
	}
	t, ok := lb.groups[action.TargetGroup].pick()
	if ok {
		t.inFlight.Add(1)
	}
	return action, t
}

// forward passes a request to a target and the answer back. The transport sends a request again only when nothing of it
// was processed or when it is idempotent, so a target never sees a POST twice.
func (lb *LoadBalancer) forward(w http.ResponseWriter, r *http.Request, t *target) {
	proxy := &httputil.ReverseProxy{
		Transport: lb.forwarder,
		ErrorLog:  slog.NewLogLogger(lb.logger.Handler(), slog.LevelDebug),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme = "http"
			p.Out.URL.Host = t.Address.String()
			p.Out.Host = p.In.Host
			lb.setHeaders(p.Out.Header, p.In)
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			lb.logger.Debug("target does not answer", "target", t.ID, "error", err)
			switch {
			case errors.Is(err, context.Canceled): // the client has left
			case isTimeout(err):
				writeError(w, http.StatusGatewayTimeout) // no connection in 10 s, or no answer within the idle time-out
			default:
				writeError(w, http.StatusBadGateway) // connection refused or closed, or an answer that is no HTTP
			}
		},
	}
	proxy.ServeHTTP(w, r)
}

// setHeaders adds the headers with which an ALB describes the client to its targets.
func (lb *LoadBalancer) setHeaders(out http.Header, in *http.Request) {
	client, _, err := net.SplitHostPort(in.RemoteAddr)
	if err != nil {
		client = in.RemoteAddr
	}
	out.Set("X-Forwarded-For", strings.Join(append(in.Header.Values("X-Forwarded-For"), client), ", "))
	out.Set("X-Forwarded-Proto", "http")
	out.Set("X-Forwarded-Port", strconv.Itoa(int(lb.Address().Port())))
	out.Set("X-Amzn-Trace-Id", traceID(in.Header.Get("X-Amzn-Trace-Id"), time.Now()))
}

// traceID begins a trace, or adds this hop to the one that the client began.
func traceID(given string, now time.Time) string {
	var random [12]byte
	rand.Read(random[:])
	own := fmt.Sprintf("1-%08x-%s", now.Unix(), hex.EncodeToString(random[:]))
	if given == "" {
		return "Root=" + own
	}
	return "Self=" + own + ";" + given
}

func (f FixedResponse) write(w http.ResponseWriter) {
	contentType := f.ContentType
	if contentType == "" {
		contentType = "text/plain; charset=utf-8"
	}
	w.Header().Set("Server", "awselb/2.0")
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(f.StatusCode)
	fmt.Fprint(w, f.MessageBody)
}

// writeError gives one of the load balancer's own error pages.
func writeError(w http.ResponseWriter, status int) {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	FixedResponse{
		StatusCode:  status,
		ContentType: "text/html",
		MessageBody: "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
			"</h1></center>\r\n</body>\r\n</html>\r\n",
	}.write(w)
}
