//go:build kube

package kube

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"

	"github.com/bulkhead-dns/bulkhead/failover"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/test/awslike"
)

// atAWS says that every world has a front that behaves as AWS between its controllers and the engine (FRONT=aws).
func atAWS() bool { return os.Getenv("FRONT") == "aws" }

// awsSpeed is how many times faster than at AWS time passes behind a front.
const awsSpeed = 10

// team are the credentials of the controllers behind a front.
func team() sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: "AKIACONTROLLER", SecretAccessKey: "secret"}
}

// openFront puts a front before the lab's engine. Classes are applied as ones of AWS from now on.
func (w *world) openFront(t *testing.T, o awslike.Options) {
	t.Helper()
	o.Engine, o.Credentials, o.Speed = "http://"+w.lab.Status().API, w.lab.Node().Credentials(), awsSpeed
	w.front = awslike.New(o)
	w.front.SetUser("controller", team(), awslike.Everything())
	w.environment = append(w.environment, "AWS_ACCESS_KEY_ID="+team().AccessKeyID, "AWS_SECRET_ACCESS_KEY="+team().SecretAccessKey)
	server := httptest.NewServer(w.front)
	t.Cleanup(func() {
		server.Close()
		w.front.Close()
	})
	w.api = server.URL
	w.provider = failover.AWS
	w.account = route53.New(route53.Options{BaseEndpoint: aws.String(server.URL), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(o.Credentials.AccessKeyID, o.Credentials.SecretAccessKey, "")})
}

// classText is a manifest as the world's provider takes it: AWS has no interval below 10 s. r53: B.2.
func (w *world) classText(manifest string) string {
	if w.provider != failover.AWS {
		return manifest
	}
	return strings.NewReplacer("provider: engine", "provider: aws", "requestInterval: 1,", "requestInterval: 10,").Replace(manifest)
}
