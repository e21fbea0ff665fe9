package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

const maxAdminAnswer = 4 << 20

// Status reads the lab.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return c.do(ctx, http.MethodGet, "/lab/status", nil)
}

// Scale sets the number of an application's pods in a Region, 0 to MaxReplicas, and returns the lab after that.
func (c *Client) Scale(ctx context.Context, application, region string, replicas int) (Status, error) {
	return c.do(ctx, http.MethodPost, "/lab/scale", &Change{application, region, &replicas})
}

// Fail makes an application's pods in a Region answer 500 to everything; they stay registered.
func (c *Client) Fail(ctx context.Context, application, region string) (Status, error) {
	return c.do(ctx, http.MethodPost, "/lab/fail", &Change{Application: application, Region: region})
}

// Heal ends what Fail began.
func (c *Client) Heal(ctx context.Context, application, region string) (Status, error) {
	return c.do(ctx, http.MethodPost, "/lab/heal", &Change{Application: application, Region: region})
}

func (c *Client) do(ctx context.Context, method, path string, change *Change) (Status, error) {
	var body []byte
	if change != nil {
		var err error
		if body, err = json.Marshal(change); err != nil {
			return Status{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.BaseURL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return Status{}, fmt.Errorf("%s: %w", path, err)
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
		return Status{}, fmt.Errorf("ask the lab: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAdminAnswer))
	if err != nil {
		return Status{}, fmt.Errorf("read the lab's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return Status{}, readAdminError(response.StatusCode, answer)
	}
	var s Status
	if err := json.Unmarshal(answer, &s); err != nil {
		return Status{}, fmt.Errorf("read the lab's answer: %w", err)
	}
	return s, nil
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
