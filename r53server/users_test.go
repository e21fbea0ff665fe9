package r53server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/r53server"
	"github.com/bulkhead-dns/bulkhead/sigv4"
	"github.com/bulkhead-dns/bulkhead/users"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// An office is a Route 53 endpoint with several users and a clock that the test sets.
type office struct {
	node
	users map[string]*users.User // by name

	mu  sync.Mutex
	now time.Time
}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) advance(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

func startOffice(t *testing.T, throttle bool, listed ...users.User) *office {
	t.Helper()
	o := &office{users: map[string]*users.User{}, now: time.Now()}
	for i := range listed {
		listed[i].AccessKeyID = "AKIAUSER" + strings.ToUpper(listed[i].Name)
		listed[i].SecretAccessKey = "the secret of " + listed[i].Name
		o.users[listed[i].Name] = &listed[i]
	}
	o.store = startStore(t, etcdtest.Start(t), "node1", nil)
	handler, err := r53server.New(r53server.Options{
		Store: o.store,
		Lookup: func(id string) (users.User, bool) {
			for _, u := range o.users {
				if u.AccessKeyID == id {
					return *u, true
				}
			}
			return users.User{}, false
		},
		Throttle: throttle,
		Now:      o.clock,
		Rules:    health.Rules{AllowedAddresses: health.AnyAddress()},
		Logger:   slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o.url, o.http = server.URL, server.Client()
	return o
}

// as returns the AWS SDK's client with a user's credentials.
func (o *office) as(name string, options ...func(*route53.Options)) *route53.Client {
	u := o.users[name]
	return route53.New(route53.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(o.url),
		Credentials:  credentials.NewStaticCredentialsProvider(u.AccessKeyID, u.SecretAccessKey, u.SessionToken),
		HTTPClient:   o.http,
	}, options...)
}

func once(o *route53.Options) { o.RetryMaxAttempts = 1 }

// refusal is the status, code and message that the SDK's user sees; "" is success.
func refusal(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Fatalf("%v is no error of the API", err)
	}
	return fmt.Sprintf("%d %s: %s", response.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage())
}

// Whom each role lets do what, by the AWS SDK.
func TestRoles(t *testing.T) {
	o := startOffice(t, false,
		users.User{Name: "root", Role: users.RoleAdministrator},
		users.User{Name: "viewer", Role: users.RoleReadOnly},
		users.User{Name: "byname", Role: users.RoleZones, Zones: []string{"own.example.com."}},
		users.User{Name: "byid", Role: users.RoleZones}, // its zone's id is not known yet
		users.User{Name: "nobody"},
	)
	ctx, root := t.Context(), o.as("root", once)
	bare := func(id *string) string { return strings.TrimPrefix(*id, "/hostedzone/") }
	own, other := bare(createZone(t, root, "own.example.com", "1").HostedZone.Id),
		bare(createZone(t, root, "example.com", "2").HostedZone.Id)
	o.users["byid"].Zones = []string{own}
	newCheck := func(c *route53.Client, reference string) (string, error) {
		out, err := c.CreateHealthCheck(ctx, &route53.CreateHealthCheckInput{CallerReference: &reference,
			HealthCheckConfig: &types.HealthCheckConfig{
				Type: types.HealthCheckTypeTcp, IPAddress: aws.String("192.0.2.1"), Port: aws.Int32(80),
			}})
		if err != nil {
			return "", err
		}
		return *out.HealthCheck.Id, nil
	}
	check, err := newCheck(root, "c")
	if err != nil {
		t.Fatal(err)
	}

	const everybody, managers, zoneUsers = "root viewer byname byid", "root", "root byname byid"
	operations := []struct {
		operation, resource, allowed string
		call                         func(c *route53.Client, user string) error
	}{
		{"ListHostedZones", "*", everybody, func(c *route53.Client, _ string) error {
			_, err := c.ListHostedZones(ctx, &route53.ListHostedZonesInput{})
			return err
		}},
		{"GetHostedZone", "hostedzone/" + own, everybody, func(c *route53.Client, _ string) error {
			_, err := c.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &own})
			return err
		}},
		{"GetHostedZone", "hostedzone/" + other, "root viewer", func(c *route53.Client, _ string) error {
			_, err := c.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &other})
			return err
		}},
		{"ListResourceRecordSets", "hostedzone/" + own, everybody, func(c *route53.Client, _ string) error {
			_, err := c.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: &own})
			return err
		}},
		{"ListResourceRecordSets", "hostedzone/" + other, "root viewer", func(c *route53.Client, _ string) error {
			_, err := c.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: &other})
			return err
		}},
		{"ChangeResourceRecordSets", "hostedzone/" + own, zoneUsers, func(c *route53.Client, user string) error {
			_, err := change(c, &own, types.Change{Action: types.ChangeActionUpsert,
				ResourceRecordSet: address(user+".own.example.com", "192.0.2.1")})
			return err
		}},
		{"ChangeResourceRecordSets", "hostedzone/" + other, managers, func(c *route53.Client, user string) error {
			_, err := change(c, &other, types.Change{Action: types.ChangeActionUpsert,
				ResourceRecordSet: address(user+".example.com", "192.0.2.1")})
			return err
		}},
		{"CreateHostedZone", "*", managers, func(c *route53.Client, user string) error {
			_, err := c.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String("new.own.example.com"),
				CallerReference: &user})
			return err
		}},
		{"GetHealthCheck", "healthcheck/" + check, everybody, func(c *route53.Client, _ string) error {
			_, err := c.GetHealthCheck(ctx, &route53.GetHealthCheckInput{HealthCheckId: &check})
			return err
		}},
		{"CreateHealthCheck", "*", managers, func(c *route53.Client, user string) error {
			_, err := newCheck(c, user)
			return err
		}},
		{"UpdateHealthCheck", "healthcheck/" + check, managers, func(c *route53.Client, _ string) error {
			_, err := c.UpdateHealthCheck(ctx, &route53.UpdateHealthCheckInput{HealthCheckId: &check, Port: aws.Int32(81)})
			return err
		}},
		// The administrators' own deletions come last: what everybody else tried on is gone afterwards.
		{"DeleteHealthCheck", "healthcheck/" + check, managers, func(c *route53.Client, _ string) error {
			_, err := c.DeleteHealthCheck(ctx, &route53.DeleteHealthCheckInput{HealthCheckId: &check})
			return err
		}},
	}
	for _, op := range operations {
		for _, user := range []string{"nobody", "viewer", "byname", "byid", "root"} {
			want := ""
			if !strings.Contains(" "+op.allowed+" ", " "+user+" ") {
				resource := op.resource
				if resource != "*" {
					resource = "arn:aws:route53:::" + resource
				}
				want = fmt.Sprintf("403 AccessDenied: User: arn:aws:iam::000000000000:user/%s is not authorized to perform: "+
					"route53:%s on resource: %s",
					user, op.operation, resource)
			}
			if got := refusal(t, op.call(o.as(user, once), user)); got != want {
				t.Errorf("%s: %s on %s:\n got %q\nwant %q", user, op.operation, op.resource, got, want)
			}
		}
	}
	// Nothing that was refused has happened.
	for set := range o.store.State().Records(other).From(zone.Key{}) {
		if set.Type == zone.A && set.Name != "root.example.com." {
			t.Errorf("%s is in the zone", set.Name)
		}
	}
}

// What a zones user may not see is refused in the same words whether it exists or not, tags of other zones and
// TestDNSAnswer included, and neither prefix nor query tricks help.
func TestZonesUserCannotReachOtherZones(t *testing.T) {
	o := startOffice(t, false,
		users.User{Name: "root", Role: users.RoleAdministrator},
		users.User{Name: "tenant", Role: users.RoleZones, Zones: []string{"own.example.com."}},
	)
	id := func(name string) string {
		return strings.TrimPrefix(*createZone(t, o.as("root"), name, name).HostedZone.Id, "/hostedzone/")
	}
	own, other := id("own.example.com"), id("example.com")
	const ids = `<ListTagsForResourcesRequest><ResourceIds>%s</ResourceIds></ListTagsForResourcesRequest>`
	item := func(id string) string { return "<ResourceId>" + id + "</ResourceId>" }
	for _, tt := range []struct {
		name, method, target, body string
		denied                     bool
	}{
		{"own zone", "GET", "/hostedzone/" + own, "", false},
		{"other zone", "GET", "/hostedzone/" + other, "", true},
		{"no zone", "GET", "/hostedzone/ZNOSUCHZONE", "", true},
		{"other zone with prefix", "GET", "/hostedzone/%2Fhostedzone%2F" + other, "", true},
		{"own before other in one id", "GET", "/hostedzone/" + own + "%2F" + other, "", true},
		{"trailing slash", "GET", "/hostedzone/" + other + "/", "", true},
		{"limit of other zone", "GET", "/hostedzonelimit/" + other + "/MAX_RRSETS_BY_ZONE", "", true},
		{"comment of other zone", "POST", "/hostedzone/" + other, "<UpdateHostedZoneCommentRequest/>", true},
		{"features of own zone", "POST", "/hostedzone/" + own + "/features", "", true},
		{"delete own zone", "DELETE", "/hostedzone/" + own, "", true},
		{"DNSSEC of other zone", "GET", "/hostedzone/" + other + "/dnssec", "", true},
		{"answer of own zone", "GET", "/testdnsanswer?hostedzoneid=" + own + "&recordname=own.example.com&recordtype=A", "",
			false},
		{"answer of other zone", "GET", "/testdnsanswer?hostedzoneid=" + other + "&recordname=example.com&recordtype=A", "",
			true},
		{"answer of other zone, own named second", "GET", "/testdnsanswer?hostedzoneid=" + other + "&hostedzoneid=" + own +
			"&recordname=example.com&recordtype=A", "", true},
		{"answer of no zone", "GET", "/testdnsanswer?recordname=example.com&recordtype=A", "", true},
		{"tags of own zone", "GET", "/tags/hostedzone/" + own, "", false},
		{"tags of other zone", "GET", "/tags/hostedzone/" + other, "", true},
		{"change tags of other zone", "POST", "/tags/hostedzone/" + other, "<ChangeTagsForResourceRequest/>", true},
		{"change tags of a check", "POST", "/tags/healthcheck/abc", "<ChangeTagsForResourceRequest/>", true},
		{"tags of zones, all own", "POST", "/tags/hostedzone", fmt.Sprintf(ids, item(own)), false},
		{"tags of zones, one other", "POST", "/tags/hostedzone", fmt.Sprintf(ids, item(own)+item(other)), true},
		{"tags of zones, other with prefix", "POST", "/tags/hostedzone", fmt.Sprintf(ids, item("/hostedzone/"+other)), true},
		{"tags of zones, comment within", "POST", "/tags/hostedzone", fmt.Sprintf(ids, item(other[:3]+"<!-- -->"+other[3:])),
			true},
		{"new CIDR collection", "POST", "/cidrcollection", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tenant := o.users["tenant"].Credentials
			r := o.request(t, tt.method, "/2013-04-01"+tt.target, tt.body)
			path, query, _ := strings.Cut("/2013-04-01"+tt.target, "?")
			signed := sigv4.Request{Method: tt.method, Path: path, RawQuery: query, Host: r.Host, Header: r.Header,
				Body: []byte(tt.body)}
			sigv4.Sign(&signed, tenant, "eu-west-1", "route53", time.Now())
			response, body := o.do(t, r)
			denied := strings.Contains(body, "<Code>AccessDenied</Code>")
			if denied != tt.denied || denied && response.StatusCode != 403 {
				t.Errorf("reply is %d %s", response.StatusCode, body)
			}
		})
	}
}

// Lists show a zones user the names of all zones, and of its own only what their administrator wrote to them.
func TestListsHideWhatOtherZonesSay(t *testing.T) {
	o := startOffice(t, false,
		users.User{Name: "root", Role: users.RoleAdministrator},
		users.User{Name: "viewer", Role: users.RoleReadOnly},
		users.User{Name: "tenant", Role: users.RoleZones, Zones: []string{"own.example.com."}},
	)
	ctx := t.Context()
	for _, name := range []string{"own.example.com", "example.org"} {
		if _, err := o.as("root").CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: &name,
			CallerReference:  aws.String("reference of " + name),
			HostedZoneConfig: &types.HostedZoneConfig{Comment: aws.String("comment of " + name)}}); err != nil {
			t.Fatal(err)
		}
	}
	for user, want := range map[string][]string{
		"root": {"example.org. reference of example.org comment of example.org 2",
			"own.example.com. reference of own.example.com comment of own.example.com 2"},
		"viewer": {"example.org. reference of example.org comment of example.org 2",
			"own.example.com. reference of own.example.com comment of own.example.com 2"},
		"tenant": {"example.org. (hidden)  2", "own.example.com. reference of own.example.com comment of own.example.com 2"},
	} {
		byID, err := o.as(user).ListHostedZones(ctx, &route53.ListHostedZonesInput{})
		if err != nil {
			t.Fatal(err)
		}
		byName, err := o.as(user).ListHostedZonesByName(ctx, &route53.ListHostedZonesByNameInput{})
		if err != nil {
			t.Fatal(err)
		}
		for list, zones := range map[string][]types.HostedZone{"ListHostedZones": byID.HostedZones,
			"ListHostedZonesByName": byName.HostedZones} {
			var got []string
			for _, z := range zones {
				got = append(got, fmt.Sprint(*z.Name, " ", *z.CallerReference, " ", aws.ToString(z.Config.Comment), " ",
					*z.ResourceRecordSetCount))
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s of %s (-want +got):\n%s", list, user, diff)
			}
		}
	}
}

// A refusal of what does not exist names it, whichever operation was asked.
func TestRefusalsNameWhatDoesNotExist(t *testing.T) {
	o := startOffice(t, false, users.User{Name: "root", Role: users.RoleAdministrator})
	ctx, c, id := t.Context(), o.as("root", once), aws.String("NOTHING-HAS-THIS-ID")
	for operation, call := range map[string]func() error{
		"UpdateHostedZoneComment": func() error {
			_, err := c.UpdateHostedZoneComment(ctx, &route53.UpdateHostedZoneCommentInput{Id: id, Comment: aws.String("x")})
			return err
		},
		"UpdateHostedZoneFeatures": func() error {
			_, err := c.UpdateHostedZoneFeatures(ctx, &route53.UpdateHostedZoneFeaturesInput{HostedZoneId: id,
				EnableAcceleratedRecovery: aws.Bool(true)})
			return err
		},
		"DeleteHostedZone": func() error {
			_, err := c.DeleteHostedZone(ctx, &route53.DeleteHostedZoneInput{Id: id})
			return err
		},
		"CreateHostedZone": func() error {
			_, err := c.CreateHostedZone(ctx, &route53.CreateHostedZoneInput{Name: aws.String("example.com"),
				CallerReference: aws.String("r"), DelegationSetId: id})
			return err
		},
		"GetChange": func() error {
			_, err := c.GetChange(ctx, &route53.GetChangeInput{Id: id})
			return err
		},
		"ChangeCidrCollection": func() error {
			_, err := c.ChangeCidrCollection(ctx, &route53.ChangeCidrCollectionInput{Id: id,
				Changes: []types.CidrCollectionChange{
					{Action: types.CidrCollectionChangeActionPut, LocationName: aws.String("l"), CidrList: []string{"192.0.2.0/24"}}}})
			return err
		},
		"DeleteCidrCollection": func() error {
			_, err := c.DeleteCidrCollection(ctx, &route53.DeleteCidrCollectionInput{Id: id})
			return err
		},
		"ListCidrBlocks": func() error {
			_, err := c.ListCidrBlocks(ctx, &route53.ListCidrBlocksInput{CollectionId: id})
			return err
		},
		"ListCidrLocations": func() error {
			_, err := c.ListCidrLocations(ctx, &route53.ListCidrLocationsInput{CollectionId: id})
			return err
		},
		"GetReusableDelegationSet": func() error {
			_, err := c.GetReusableDelegationSet(ctx, &route53.GetReusableDelegationSetInput{Id: id})
			return err
		},
		"DeleteReusableDelegationSet": func() error {
			_, err := c.DeleteReusableDelegationSet(ctx, &route53.DeleteReusableDelegationSetInput{Id: id})
			return err
		},
		"UpdateHealthCheck": func() error {
			_, err := c.UpdateHealthCheck(ctx, &route53.UpdateHealthCheckInput{HealthCheckId: id})
			return err
		},
		"DeleteHealthCheck": func() error {
			_, err := c.DeleteHealthCheck(ctx, &route53.DeleteHealthCheckInput{HealthCheckId: id})
			return err
		},
		"ChangeTagsForResource": func() error {
			_, err := c.ChangeTagsForResource(ctx, &route53.ChangeTagsForResourceInput{ResourceId: id,
				ResourceType:  types.TagResourceTypeHostedzone,
				RemoveTagKeys: []string{"a"}})
			return err
		},
	} {
		if got := refusal(t, call()); !strings.Contains(got, *id) || strings.Contains(got, "500") {
			t.Errorf("%s: %q does not name %s", operation, got, *id)
		}
	}
}

// First pages have no Marker, as on Route 53; later ones repeat what was asked for. r53: C.7.
func TestFirstPagesHaveNoMarker(t *testing.T) {
	o := startOffice(t, false, users.User{Name: "root", Role: users.RoleAdministrator})
	ctx, c := t.Context(), o.as("root", once)
	for _, name := range []string{"a.example", "b.example"} {
		createZone(t, c, name, name)
		if _, err := c.CreateReusableDelegationSet(ctx,
			&route53.CreateReusableDelegationSetInput{CallerReference: &name}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateHealthCheck(ctx, &route53.CreateHealthCheckInput{CallerReference: &name,
			HealthCheckConfig: &types.HealthCheckConfig{
				Type: types.HealthCheckTypeTcp, IPAddress: aws.String("192.0.2.1"), Port: aws.Int32(80)}}); err != nil {
			t.Fatal(err)
		}
	}
	one := aws.Int32(1)
	for list, page := range map[string]func(marker *string) (echoed, next *string, err error){
		"ListHostedZones": func(marker *string) (*string, *string, error) {
			out, err := c.ListHostedZones(ctx, &route53.ListHostedZonesInput{Marker: marker, MaxItems: one})
			if err != nil {
				return nil, nil, err
			}
			return out.Marker, out.NextMarker, nil
		},
		"ListHealthChecks": func(marker *string) (*string, *string, error) {
			out, err := c.ListHealthChecks(ctx, &route53.ListHealthChecksInput{Marker: marker, MaxItems: one})
			if err != nil {
				return nil, nil, err
			}
			return out.Marker, out.NextMarker, nil
		},
		"ListReusableDelegationSets": func(marker *string) (*string, *string, error) {
			out, err := c.ListReusableDelegationSets(ctx, &route53.ListReusableDelegationSetsInput{Marker: marker,
				MaxItems: one})
			if err != nil {
				return nil, nil, err
			}
			return out.Marker, out.NextMarker, nil
		},
	} {
		echoed, next, err := page(nil)
		if err != nil || echoed != nil || next == nil {
			t.Errorf("%s: first page with marker %v, next %v, %v: want none, and a next one", list, echoed, next, err)
			continue
		}
		if echoed, last, err := page(next); err != nil || aws.ToString(echoed) != *next || last != nil {
			t.Errorf("%s: second page with marker %v, next %v, %v: want %s and no next one", list, echoed, last, err, *next)
		}
	}
	policies, err := c.ListTrafficPolicies(ctx, &route53.ListTrafficPoliciesInput{})
	if err != nil || policies.TrafficPolicyIdMarker != nil {
		t.Errorf("ListTrafficPolicies: %+v, %v: want no marker", policies, err)
	}
}

// Who is refused before any operation, by the AWS SDK with temporary credentials and with clocks that differ.
func TestSDKCredentials(t *testing.T) {
	o := startOffice(t, false,
		users.User{Name: "lasting", Role: users.RoleAdministrator},
		users.User{Name: "temporary", Role: users.RoleAdministrator},
	)
	temporary := o.users["temporary"]
	temporary.SessionToken, temporary.Expires = "a/session+token==", o.now.Add(time.Hour)
	right := temporary.Credentials
	with := func(change func(*sigv4.Credentials)) sigv4.Credentials {
		c := right
		change(&c)
		return c
	}
	for _, tt := range []struct {
		name  string
		use   sigv4.Credentials
		clock time.Duration // of the engine, compared with the client's
		want  string        // the beginning of the refusal; "" is success
	}{
		{"lasting", o.users["lasting"].Credentials, 0, ""},
		{"lasting with a token of the environment", sigv4.Credentials{
			AccessKeyID: o.users["lasting"].AccessKeyID, SecretAccessKey: o.users["lasting"].SecretAccessKey,
			SessionToken: "of another account",
		}, 0, ""},
		{"temporary", right, 0, ""},
		{"no token", with(func(c *sigv4.Credentials) { c.SessionToken = "" }), 0, "403 InvalidClientTokenId: "},
		{"wrong token", with(func(c *sigv4.Credentials) { c.SessionToken = "another" }), 0, "403 InvalidClientTokenId: "},
		{"wrong secret", with(func(c *sigv4.Credentials) { c.SecretAccessKey = "another" }), 0,
			"403 SignatureDoesNotMatch: "},
		{"wrong key", with(func(c *sigv4.Credentials) { c.AccessKeyID = "AKIANOBODY" }), 0, "403 InvalidClientTokenId: "},
		{"engine 4 minutes ahead", right, 4 * time.Minute, ""},
		{"engine 4 minutes behind", right, -4 * time.Minute, ""},
		{"engine 6 minutes ahead", right, 6 * time.Minute, "403 SignatureDoesNotMatch: Signature expired: "},
		{"engine 6 minutes behind", right, -6 * time.Minute, "403 SignatureDoesNotMatch: Signature not yet current: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o.advance(tt.clock)
			defer o.advance(-tt.clock)
			client := o.as("temporary", once, func(options *route53.Options) {
				options.Credentials = credentials.NewStaticCredentialsProvider(tt.use.AccessKeyID, tt.use.SecretAccessKey,
					tt.use.SessionToken)
			})
			_, err := client.GetHostedZoneCount(t.Context(), &route53.GetHostedZoneCountInput{})
			got := refusal(t, err)
			if !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if strings.Contains(got, "secret of") {
				t.Errorf("the refusal tells a secret: %s", got)
			}
		})
	}
	temporary.Expires = o.clock()
	_, err := o.as("temporary", once).GetHostedZoneCount(t.Context(), &route53.GetHostedZoneCountInput{})
	if got, want := refusal(t, err),
		"403 ExpiredToken: The security token included in the request is expired"; got != want {
		t.Errorf("expired: got %q, want %q", got, want)
	}
}

// A client that is throttled gets through by the SDK's own retries; one that does not retry sees Throttling. r53: C.5,
// C.8.
func TestSDKRecoversFromThrottling(t *testing.T) {
	o := startOffice(t, true, users.User{Name: "root", Role: users.RoleAdministrator})
	ctx := t.Context()
	out, err := o.as("root").CreateHealthCheck(ctx, &route53.CreateHealthCheckInput{CallerReference: aws.String("c"),
		HealthCheckConfig: &types.HealthCheckConfig{
			Type: types.HealthCheckTypeTcp, IPAddress: aws.String("192.0.2.1"), Port: aws.Int32(80),
		}})
	if err != nil {
		t.Fatal(err)
	}
	in := &route53.GetHealthCheckStatusInput{HealthCheckId: out.HealthCheck.Id}
	hasty := o.as("root", once)
	for i := range 4 { // the bucket of GetHealthCheckStatus
		if _, err := hasty.GetHealthCheckStatus(ctx, in); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	_, err = hasty.GetHealthCheckStatus(ctx, in)
	if got, want := refusal(t, err), "400 Throttling: Rate exceeded"; got != want {
		t.Fatalf("the fifth request: got %q, want %q", got, want)
	}

	waits := 0
	patient := o.as("root", func(options *route53.Options) {
		options.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
			s.MaxAttempts = 5
			// The SDK waits as long as it is told to; 600 ms of the engine's time pass.
			s.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) {
				waits++
				o.advance(600 * time.Millisecond)
				return 0, nil
			})
		})
	})
	if _, err := patient.GetHealthCheckStatus(ctx, in); err != nil {
		t.Errorf("with retries: %v", err)
	}
	if waits != 2 { // a token comes back after one second
		t.Errorf("the SDK waited %d times, want 2", waits)
	}
}

// Changes are throttled by what they cost: 1,500 at once, whoever makes them. r53: C.8.
func TestSDKThrottledChanges(t *testing.T) {
	o := startOffice(t, true, users.User{Name: "root", Role: users.RoleAdministrator})
	client := o.as("root", once)
	zoneID := createZone(t, client, "example.com", "ref").HostedZone.Id // 2
	batch := func(prefix string, n int) error {
		var changes []types.Change
		for i := range n {
			changes = append(changes, types.Change{Action: types.ChangeActionUpsert,
				ResourceRecordSet: address(fmt.Sprintf("%s%d.example.com", prefix, i), "192.0.2.1")})
		}
		_, err := change(client, zoneID, changes...)
		return err
	}
	for _, step := range []struct {
		name    string
		upserts int
		later   time.Duration
		want    string
	}{
		{"1000 of 1498", 500, 0, ""},
		{"500 of 498", 250, 0, "400 Throttling: Rate exceeded"},
		{"500 of 500", 250, 20 * time.Millisecond, ""},
		{"2 of 0", 1, 0, "400 Throttling: Rate exceeded"},
	} {
		o.advance(step.later)
		if got := refusal(t, batch("a", step.upserts)); got != step.want {
			t.Errorf("%s: got %q, want %q", step.name, got, step.want)
		}
	}
}

// A client that holds 64 requests open gets no further one, and a next one as soon as it lets go. Other bounds of a
// connection are the HTTP server's.
func TestRequestsOfOneClientAreBounded(t *testing.T) {
	o := startOffice(t, false, users.User{Name: "root", Role: users.RoleAdministrator})
	address := strings.TrimPrefix(o.url, "http://")
	var slow []net.Conn
	defer func() {
		for _, c := range slow {
			c.Close()
		}
	}()
	hold := func() {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
		// The body never comes.
		fmt.Fprintf(c, "POST /2013-04-01/hostedzone HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<")
	}
	for range 64 {
		hold()
	}
	client := o.as("root", once)
	until := func(want string, meanwhile func()) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		for got := ""; ; {
			_, err := client.GetHostedZoneCount(ctx, &route53.GetHostedZoneCountInput{})
			if ctx.Err() != nil {
				t.Fatalf("not within 2 minutes: %q, but %q", want, got)
			}
			if got = refusal(t, err); got == want {
				return
			}
			meanwhile()
		}
	}
	// While the client above had a request under way, it may have taken the place of one that was to be held.
	until("400 Throttling: Rate exceeded: more than 64 requests of one client at once.", hold)
	// A plain HTTP client sees the same, without the server having read its body.
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /2013-04-01/hostedzone HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<")
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 400 {
		t.Errorf("status %d, want 400", response.StatusCode)
	}
	slow[0].Close()
	until("", func() {})
}
