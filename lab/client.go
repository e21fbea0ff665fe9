package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// A Client administers a running lab. Refusals are *AdminError.
type Client struct {
	// BaseURL of the engine's HTTP server: "http://127.0.0.1:8053".
	BaseURL     string
	Credentials sigv4.Credentials
	HTTP        *http.Client // nil means http.DefaultClient
}

const maxAdminAnswer = 32 << 20

// Status reads the lab.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.do(ctx, http.MethodGet, "/lab/status", nil, &s)
	return s, err
}

// Scale sets the number of an application's pods in a Region, 0 to MaxReplicas, and returns the lab after that.
func (c *Client) Scale(ctx context.Context, application, region string, replicas int) (Status, error) {
	return c.change(ctx, "/lab/scale", &Change{application, region, &replicas})
}

// Fail makes an application's pods in a Region answer 500 to everything; they stay registered.
func (c *Client) Fail(ctx context.Context, application, region string) (Status, error) {
	return c.change(ctx, "/lab/fail", &Change{Application: application, Region: region})
}

// Heal ends what Fail began.
func (c *Client) Heal(ctx context.Context, application, region string) (Status, error) {
	return c.change(ctx, "/lab/heal", &Change{Application: application, Region: region})
}

// SetIngresses makes these the Kubernetes Ingresses of a Region, whatever was there before: an Ingress that is left out
// loses its rules, an empty list takes all of them away. Those of other Regions and the definition's own applications
// stay; where both have a rule for a request the Ingress wins. The lab does not keep them across a restart: set them
// again when status.loadBalancer is asked for, or from time to time; setting the same again changes nothing.
//
// Rules are made in the order of the AWS Load Balancer Controller, pods without an address get a stand-in, and a
// Service without a ready endpoint is answered for with 503. It returns when the rules are in force, with each
// Ingress's load balancer in the order of the argument.
//
// One wrong Ingress refuses them all and changes nothing; the error is an *AdminError whose message names it. A load
// balancer takes 100 rules, one for each path, those of the definition included.
func (c *Client) SetIngresses(ctx context.Context, region string, all []Ingress) ([]IngressStatus, error) {
	if all == nil {
		all = []Ingress{}
	}
	var answer ingressAnswer
	err := c.do(ctx, http.MethodPut, ingressPath+url.PathEscape(region), ingressBody{all}, &answer)
	return answer.Ingresses, err
}

// change asks for one change and returns the lab after it.
func (c *Client) change(ctx context.Context, path string, change *Change) (Status, error) {
	var s Status
	err := c.do(ctx, http.MethodPost, path, change, &s)
	return s, err
}

// do sends one request, with a body unless it is nil, and decodes the answer.
func (c *Client) do(ctx context.Context, method, path string, content, answer any) error {
	var body []byte
	if content != nil {
		var err error
		if body, err = json.Marshal(content); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.BaseURL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	sigv4.Sign(&sigv4.Request{
		Method: method,
		Path:   request.URL.EscapedPath(),
		Host:   request.URL.Host,
		Header: request.Header,
		Body:   body,
	}, c.Credentials, "us-east-1", Service, time.Now())
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no lab answers at %s (%w): is `bulkhead lab` running?", c.BaseURL, unwrapped(err))
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAdminAnswer))
	if err != nil {
		return fmt.Errorf("read the lab's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return readAdminError(response.StatusCode, data)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("read the lab's answer: %w", err)
	}
	return nil
}

// unwrapped is an error of a request without its method and URL.
func unwrapped(err error) error {
	if request := (*url.Error)(nil); errors.As(err, &request) {
		return request.Err
	}
	return err
}

// readAdminError decodes a refusal; something else than a lab may have answered.
func readAdminError(status int, answer []byte) error {
	var e errorBody
	if json.Unmarshal(answer, &e) != nil || e.Error == nil {
		return fmt.Errorf("%s answered instead of a lab: is `bulkhead lab` running there?", http.StatusText(status))
	}
	e.Error.Status = status
	return e.Error
}
