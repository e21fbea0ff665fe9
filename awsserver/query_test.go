package awsserver

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/alb"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// An awsClient signs requests to the lab's AWS APIs.
type awsClient struct {
	url         string
	region      string
	credentials sigv4.Credentials
}

// send signs a request for a service, unless it is "", and returns status, header and body of the reply.
func (c awsClient) send(t *testing.T, method, path, service, body string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if service != "" {
		sigv4.Sign(&sigv4.Request{Method: method, Path: request.URL.EscapedPath(), RawQuery: request.URL.RawQuery,
			Host:   request.URL.Host,
			Header: request.Header, Body: []byte(body)}, c.credentials, c.region, service, time.Now())
	}
	response, err := visitor().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	reply, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(reply)
}

// form writes a request of Elastic Load Balancing: form("DescribeTags", "ResourceArns.member.1", arn).
func form(action string, parameters ...string) string {
	values := url.Values{"Action": {action}, "Version": {"2015-12-01"}}
	for i := 0; i < len(parameters); i += 2 {
		values.Set(parameters[i], parameters[i+1])
	}
	return values.Encode()
}

// describe asks Elastic Load Balancing and decodes the content of the …Result element.
func describe[T any](t *testing.T, c awsClient, action string, parameters ...string) T {
	t.Helper()
	status, _, reply := c.send(t, "POST", "/", serviceELB, form(action, parameters...))
	if status != http.StatusOK {
		t.Fatalf("%s %v: %d %s", action, parameters, status, reply)
	}
	var r struct {
		XMLName xml.Name
		Result  struct {
			Inner []byte `xml:",innerxml"`
		} `xml:",any"`
	}
	var result T
	first, _, _ := strings.Cut(reply, "<ResponseMetadata>") // the result is the only element left
	if err := xml.Unmarshal([]byte(first+"</"+action+"Response>"), &r); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal([]byte("<Result>"+string(r.Result.Inner)+"</Result>"), &result); err != nil {
		t.Fatal(err)
	}
	return result
}

// The replies to requests as clients send them, letter for letter but for line breaks, ports and ids of requests. r53:
// E.1, E.2, E.3.
func TestQueryRepliesHaveAWSShapes(t *testing.T) {
	client, s := startQueryAPI(t, 212)
	all := newInventory(s.region(), time.Time{})
	lb, listener, group := all.loadBalancers[0].LoadBalancerArn, all.listeners[0].ListenerArn,
		all.targetGroups[0].TargetGroupArn
	waitFor(t, "healthy targets", func() bool {
		healthy, _ := s.balancer.Healthy()
		return healthy && s.balancer.Status().TargetGroups[0].Targets[1].State == alb.Healthy
	})
	var got strings.Builder
	for _, c := range []struct{ title, service, region, body string }{
		{"sts get-caller-identity", serviceSTS, "us-east-1", "Action=GetCallerIdentity&Version=2011-06-15"},
		{"describe-load-balancers --names demoalb", serviceELB, "eu-west-1",
			form("DescribeLoadBalancers", "Names.member.1", "demoalb")},
		{"describe-load-balancers in a Region without", serviceELB, "us-east-1", form("DescribeLoadBalancers")},
		{"describe-load-balancers of a name that is not there", serviceELB, "us-east-1",
			form("DescribeLoadBalancers", "Names.member.1", "demoalb")},
		{"describe-target-groups", serviceELB, "eu-west-1", form("DescribeTargetGroups", "LoadBalancerArn", lb)},
		{"describe-target-health", serviceELB, "eu-west-1", form("DescribeTargetHealth", "TargetGroupArn", group)},
		{"describe-target-health of one that is not registered", serviceELB, "eu-west-1",
			form("DescribeTargetHealth", "TargetGroupArn", group, "Targets.member.1.Id", "192.0.2.1")},
		{"describe-listeners", serviceELB, "eu-west-1", form("DescribeListeners", "LoadBalancerArn", lb)},
		{"describe-rules", serviceELB, "eu-west-1", form("DescribeRules", "ListenerArn", listener)},
		{"describe-tags", serviceELB, "eu-west-1", form("DescribeTags",
			"ResourceArns.member.1", lb, "ResourceArns.member.2", group, "ResourceArns.member.3", listener,
			"ResourceArns.member.4", all.rules[0].RuleArn, "ResourceArns.member.5", all.rules[4].RuleArn)},
		{"describe-load-balancer-attributes", serviceELB, "eu-west-1",
			form("DescribeLoadBalancerAttributes", "LoadBalancerArn", lb)},
		{"describe-target-group-attributes", serviceELB, "eu-west-1",
			form("DescribeTargetGroupAttributes", "TargetGroupArn", group)},
		{"describe-account-limits --page-size 2", serviceELB, "eu-west-1", form("DescribeAccountLimits", "PageSize", "2")},
		{"describe-ssl-policies --names", serviceELB, "eu-west-1",
			form("DescribeSSLPolicies", "Names.member.1", "ELBSecurityPolicy-TLS13-1-3-2021-06")},
		{"describe-ssl-policies of a name that is not there", serviceELB, "eu-west-1",
			form("DescribeSSLPolicies", "Names.member.1", "Mine")},
		{"describe-ssl-policies of no load balancer type", serviceELB, "eu-west-1",
			form("DescribeSSLPolicies", "LoadBalancerType", "classic")},
		{"describe-listener-certificates", serviceELB, "eu-west-1",
			form("DescribeListenerCertificates", "ListenerArn", listener)},
		{"describe-listener-certificates of a listener that is not there", serviceELB, "us-east-1",
			form("DescribeListenerCertificates", "ListenerArn", listener)},
	} {
		client.region = c.region
		status, header, reply := client.send(t, "POST", "/", c.service, c.body)
		if !strings.Contains(reply, header.Get("X-Amzn-Requestid")) || header.Get("Content-Type") != "text/xml" {
			t.Errorf("%s: header %v does not fit the reply", c.title, header)
		}
		fmt.Fprintf(&got, "-- %s --\n%d\n%s\n", c.title, status, strings.ReplaceAll(reply, "><", ">\n<"))
	}
	text := got.String()
	for from, to := range map[string]string{
		`<RequestId>[0-9a-f-]{36}<`: "<RequestId>$$REQUEST<",
		`Port>[0-9]{4,5}<`:          "Port>$$PORT<",
		`<Value>[0-9]{4,5}(:\d)?<`:  "<Value>$$PORT$1<",
	} {
		text = regexp.MustCompile(from).ReplaceAllString(text, to)
	}
	const golden = "testdata/query.golden.txt"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

func TestQueryRefusesInAWSWords(t *testing.T) {
	client, s := startQueryAPI(t, 213)
	all := newInventory(s.region(), time.Time{})
	lb, listener, group := all.loadBalancers[0].LoadBalancerArn, all.listeners[0].ListenerArn,
		all.targetGroups[0].TargetGroupArn
	other := strings.Replace(group, "eu-west-1", "eu-central-1", 1)
	tooMany := []string{}
	for i := range 21 {
		tooMany = append(tooMany, listMember("Names", i+1), "demoalb")
	}
	const actions = "DescribeAccountLimits, DescribeListenerCertificates, DescribeListeners, " +
		"DescribeLoadBalancerAttributes, DescribeLoadBalancers, DescribeRules, DescribeSSLPolicies, DescribeTags, " +
		"DescribeTargetGroupAttributes, DescribeTargetGroups, DescribeTargetHealth"
	for _, c := range []struct {
		name, body string
		want       errorDetail
	}{
		{"unknown name", form("DescribeLoadBalancers", "Names.member.1", "x"),
			errorDetail{"Sender", "LoadBalancerNotFound", "Load balancers '[x]' not found"}},
		{"names and ARNs", form("DescribeLoadBalancers", "Names.member.1", "demoalb", "LoadBalancerArns.member.1", lb),
			errorDetail{"Sender", "ValidationError", "Give load balancer ARNs or names, not both"}},
		{"unknown load balancer", form("DescribeLoadBalancers", "LoadBalancerArns.member.1", lb+"0"),
			errorDetail{"Sender", "LoadBalancerNotFound", "One or more load balancers not found"}},
		{"no ARN", form("DescribeLoadBalancers", "LoadBalancerArns.member.1", "demoalb"),
			errorDetail{"Sender", "ValidationError", "'demoalb' is not a valid load balancer ARN"}},
		{"ARN of another kind", form("DescribeListeners", "LoadBalancerArn", listener),
			errorDetail{"Sender", "ValidationError", "'" + listener + "' is not a valid load balancer ARN"}},
		{"E.1: up to 20 names", form("DescribeLoadBalancers", tooMany...), errorDetail{"Sender", "ValidationError",
			"1 validation error detected: Value '21 members' at 'Names' failed to satisfy constraint: Member must have " +
				"length less than or equal to 20"}},
		{"E.1: PageSize 1..400", form("DescribeLoadBalancers", "PageSize", "0"), errorDetail{"Sender", "ValidationError",
			"1 validation error detected: Value '0' at 'PageSize' failed to satisfy constraint: Member must have value " +
				"greater than or equal to 1"}},
		{"E.1: PageSize 1..400", form("DescribeLoadBalancers", "PageSize", "401"), errorDetail{"Sender", "ValidationError",
			"1 validation error detected: Value '401' at 'PageSize' failed to satisfy constraint: Member must have value " +
				"less than or equal to 400"}},
		{"foreign marker", form("DescribeRules", "ListenerArn", listener, "Marker", "x"),
			errorDetail{"Sender", "ValidationError", "Marker 'x' is of no page: use the NextMarker of a reply"}},
		{"another Region's target group", form("DescribeTargetHealth", "TargetGroupArn", other),
			errorDetail{"Sender", "TargetGroupNotFound", "One or more target groups not found"}},
		{"target health of nothing", form("DescribeTargetHealth"), errorDetail{"Sender", "ValidationError",
			"1 validation error detected: Value 'null' at 'TargetGroupArn' failed to satisfy constraint: Member must not be " +
				"null"}},
		{"target without id", form("DescribeTargetHealth", "TargetGroupArn", group, "Targets.member.1.Port", "80"),
			errorDetail{"Sender", "ValidationError",
				"1 validation error detected: Value 'null' at 'Targets.member.1.Id' failed to satisfy constraint: Member must " +
					"not be null"}},
		{"target with a word for a port",
			form("DescribeTargetHealth", "TargetGroupArn", group, "Targets.member.1.Id", "192.0.2.1", "Targets.member.1.Port",
				"http"),
			errorDetail{"Sender", "ValidationError",
				"1 validation error detected: Value 'http' at 'Targets.member.1.Port' failed to satisfy constraint: Member must " +
					"be an integer"}},
		{"two filters", form("DescribeTargetGroups", "Names.member.1", "app1", "LoadBalancerArn", lb),
			errorDetail{"Sender", "ValidationError", "Give one of a load balancer ARN, target group ARNs and names"}},
		{"unknown target group", form("DescribeTargetGroups", "Names.member.1", "app3"),
			errorDetail{"Sender", "TargetGroupNotFound", "One or more target groups not found"}},
		{"target groups of an unknown load balancer", form("DescribeTargetGroups", "LoadBalancerArn", lb+"0"),
			errorDetail{"Sender", "LoadBalancerNotFound", "One or more load balancers not found"}},
		{"listeners of nothing", form("DescribeListeners"),
			errorDetail{"Sender", "ValidationError", "Give either a load balancer ARN or listener ARNs"}},
		{"unknown listener", form("DescribeListeners", "ListenerArns.member.1", listener+"0"),
			errorDetail{"Sender", "ListenerNotFound", "One or more listeners not found"}},
		{"rules of two things", form("DescribeRules", "ListenerArn", listener, "RuleArns.member.1", all.rules[0].RuleArn),
			errorDetail{"Sender", "ValidationError", "Give either a listener ARN or rule ARNs"}},
		{"unknown rule", form("DescribeRules", "RuleArns.member.1", all.rules[0].RuleArn+"0"),
			errorDetail{"Sender", "RuleNotFound", "One or more rules not found"}},
		{"tags of nothing", form("DescribeTags"), errorDetail{"Sender", "ValidationError",
			"1 validation error detected: Value 'null' at 'ResourceArns' failed to satisfy constraint: Member must not be " +
				"null"}},
		{"tags of something else", form("DescribeTags", "ResourceArns.member.1", "arn:aws:s3:::bucket"),
			errorDetail{"Sender", "ValidationError",
				"'arn:aws:s3:::bucket' is not a valid ARN of a load balancer, target group, listener or rule"}},
		{"tags of an unknown target group", form("DescribeTags", "ResourceArns.member.1", other),
			errorDetail{"Sender", "TargetGroupNotFound", "One or more target groups not found"}},
		{"attributes of an unknown load balancer", form("DescribeLoadBalancerAttributes", "LoadBalancerArn", lb+"0"),
			errorDetail{"Sender", "LoadBalancerNotFound", "One or more load balancers not found"}},
		{"attributes of something else", form("DescribeTargetGroupAttributes", "TargetGroupArn", lb),
			errorDetail{"Sender", "ValidationError", "'" + lb + "' is not a valid target group ARN"}},
		{"no action", "Version=2015-12-01", errorDetail{"Sender", "MissingAction", "The request has no Action: there are " +
			actions + "."}},
		{"an operation that the lab has not", form("DeleteLoadBalancer", "LoadBalancerArn", lb),
			errorDetail{"Sender", "InvalidAction",
				"Could not find operation DeleteLoadBalancer for version 2015-12-01: there are " + actions + "."}},
		{"the version of classic load balancers", "Action=DescribeLoadBalancers&Version=2012-06-01",
			errorDetail{"Sender", "InvalidAction",
				"Could not find operation DescribeLoadBalancers for version '2012-06-01': the version is 2015-12-01."}},
		{"no form", "Action=%zz", errorDetail{"Sender", "MalformedQueryString",
			`The body is not a form: invalid URL escape "%zz".`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, reply := client.send(t, "POST", "/", serviceELB, c.body)
			expectRefusal(t, status, reply, http.StatusBadRequest, c.want,
				"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/")
		})
	}
}

func expectRefusal(t *testing.T, status int, reply string, wantStatus int, want errorDetail, namespace string) {
	t.Helper()
	var r struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Error     errorDetail
		RequestID string `xml:"RequestId"`
	}
	if err := xml.Unmarshal([]byte(reply), &r); err != nil {
		t.Fatalf("%v in %s", err, reply)
	}
	if status != wantStatus || r.RequestID == "" || r.XMLName.Space != namespace {
		t.Errorf("%d %s, want %d with a request id in %q", status, reply, wantStatus, namespace)
	}
	if want.Message == "" {
		want.Message = r.Error.Message
	}
	if diff := cmp.Diff(want, r.Error); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
}

func TestQueryRefusesWhomItDoesNotKnow(t *testing.T) {
	client, _ := startQueryAPI(t, 214)
	for _, c := range []struct {
		name, service, key, secret string
		body                       string
		status                     int
		code                       string
	}{
		{"not signed", "", "", "", form("DescribeLoadBalancers"), 403, "MissingAuthenticationToken"},
		{"unknown key", serviceELB, "AKIAOTHER", "secret", form("DescribeLoadBalancers"), 403, "InvalidClientTokenId"},
		{"wrong secret", serviceELB, administrator.AccessKeyID, "guess", form("DescribeLoadBalancers"), 403,
			"SignatureDoesNotMatch"},
		{"another service", "iam", administrator.AccessKeyID, administrator.SecretAccessKey,
			"Action=ListUsers&Version=2010-05-08", 400, "InvalidAction"},
		{"large body", serviceELB, administrator.AccessKeyID, administrator.SecretAccessKey,
			strings.Repeat("a", maxQueryBody+1), 413, "RequestEntityTooLarge"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := client
			client.credentials = sigv4.Credentials{AccessKeyID: c.key, SecretAccessKey: c.secret}
			status, _, reply := client.send(t, "POST", "/", c.service, c.body)
			expectRefusal(t, status, reply, c.status, errorDetail{Type: "Sender", Code: c.code}, "")
		})
	}
}

// FuzzQuery sends forms of any kind: every reply is well-formed XML, a result or a refusal with a code.
func FuzzQuery(f *testing.F) {
	handler := apiOf(newWorld(f, 215))
	for _, seed := range []string{
		form("DescribeLoadBalancers", "Names.member.1", "demoalb", "PageSize", "1", "Marker", "x"),
		form("DescribeTargetGroups", "Names.member.1", "app1"),
		form("DescribeRules", "RuleArns.member.1", "arn:aws:elasticloadbalancing:eu-west-1:000000000000:listener-rule/app"),
		form("DescribeTargetHealth", "TargetGroupArn", "a:b", "Targets.member.1.Id", "\x00", "Targets.member.1.Port", "-1"),
		form("DescribeTags", "ResourceArns.member.1", "<&>"), "", "Action=;", "Version=2015-12-01&Action=\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		request := httptest.NewRequest("POST", "/", strings.NewReader(body))
		sigv4.Sign(&sigv4.Request{Method: "POST", Path: "/", Host: request.Host, Header: request.Header, Body: []byte(body)},
			administrator, "eu-west-1", serviceELB, time.Now())
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		var reply struct {
			XMLName xml.Name
			Error   errorDetail
		}
		if err := xml.Unmarshal(recorder.Body.Bytes(), &reply); err != nil {
			t.Fatalf("%q is answered with %q: %v", body, recorder.Body, err)
		}
		if refused := reply.XMLName.Local == "ErrorResponse"; refused != (recorder.Code != 200) ||
			refused == (reply.Error.Code == "") {
			t.Errorf("%q is answered with %d %s", body, recorder.Code, recorder.Body)
		}
	})
}
