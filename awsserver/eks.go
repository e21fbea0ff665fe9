package awsserver

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// eks describes attached Kubernetes clusters as Amazon EKS does: GET /clusters and GET /clusters/{name}, for the Region
// of the credential scope.
type eks struct {
	regions []Region
	lookup  Lookup
	logger  *slog.Logger
}

type listClustersReply struct {
	Clusters  []string `json:"clusters"`
	NextToken *string  `json:"nextToken"` // always null: a Region has one cluster at most
}

type describeClusterReply struct {
	Cluster clusterShape `json:"cluster"`
}

// A clusterShape leaves out what is not known of a cluster, such as its Kubernetes version.
type clusterShape struct {
	Name                 string `json:"name"`
	ARN                  string `json:"arn"`
	Endpoint             string `json:"endpoint"`
	Status               string `json:"status"`
	CertificateAuthority struct {
		Data string `json:"data"`
	} `json:"certificateAuthority"`
	Tags map[string]string `json:"tags"`
}

// An eksFault is the body of a refusal; its code is in a header.
type eksFault struct {
	Message string `json:"message"`
}

func (e *eks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	reply, err := e.serve(w, r)
	if err != nil {
		f := faultOf(err)
		w.Header().Set("X-Amzn-Errortype", eksCode(f.code))
		w.WriteHeader(f.status)
		reply = eksFault{Message: f.message}
	}
	if err := json.NewEncoder(w).Encode(reply); err != nil {
		e.logger.Debug("eks reply not sent", "path", r.URL.Path, "error", err)
	}
}

func (e *eks) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	_, scope, err := ReadSigned(w, r, maxQueryBody, e.lookup)
	if err != nil {
		return nil, err
	}
	if scope.Service != serviceEKS {
		return nil, sigv4.WrongService(serviceEKS, scope.Service)
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/clusters"), "/"), "/")
	if r.Method != http.MethodGet || rest != "" {
		return nil, refuse("UnknownOperationException",
			"There is no %s %.128s here: there are GET /clusters and GET /clusters/{name}.", r.Method, r.URL.Path)
	}
	c := regionNamed(e.regions, scope.Region).Cluster
	switch {
	case name == "" && c != nil:
		return listClustersReply{Clusters: []string{c.Name}}, nil
	case name == "":
		return listClustersReply{Clusters: []string{}}, nil
	case c == nil || c.Name != name:
		return nil, refuse("ResourceNotFoundException", "No cluster found for name: %.128s.", name)
	}
	return describeClusterReply{c.shape(scope.Region)}, nil
}

func (c Cluster) shape(region string) clusterShape {
	s := clusterShape{
		Name:     c.Name,
		ARN:      "arn:" + partition(region) + ":eks:" + region + ":" + AccountID + ":cluster/" + c.Name,
		Endpoint: c.Endpoint,
		Status:   "ACTIVE",
		Tags:     map[string]string{},
	}
	s.CertificateAuthority.Data = c.CA
	return s
}

// eksCode turns the code of a refused signature into the one that AWS's JSON protocols have for it.
func eksCode(code string) string {
	switch code {
	case "InvalidClientTokenId":
		return "UnrecognizedClientException"
	case "SignatureDoesNotMatch":
		return "InvalidSignatureException"
	case "MissingAuthenticationToken":
		return "MissingAuthenticationTokenException"
	case "IncompleteSignature":
		return "IncompleteSignatureException"
	}
	return code
}
