package sigv4

import (
	"fmt"
	"strings"
)

// An authorization is a parsed Authorization header.
type authorization struct {
	accessKeyID, day, region, service string
	signedHeaders                     []string // lower case, in the order of the header
	signature                         string
}

// scope returns the credential scope in the form of the string to sign.
func (a authorization) scope() string {
	return a.day + "/" + a.region + "/" + a.service + "/" + terminator
}

// String returns the Authorization header.
func (a authorization) String() string {
	return fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, a.accessKeyID, a.scope(), strings.Join(a.signedHeaders, ";"), a.signature)
}

// parseAuthorization reads the Authorization header: the algorithm, then Credential, SignedHeaders and Signature in any
// order, separated by commas. The message names all missing parameters at once, as AWS does.
func parseAuthorization(header map[string][]string) (authorization, error) {
	value := first(header, "Authorization")
	if value == "" {
		return authorization{}, missingToken()
	}
	scheme, rest, _ := strings.Cut(value, " ")
	if scheme != algorithm {
		return authorization{}, incomplete("Authorization scheme '%s' is not supported; sign with '%s'.", scheme, algorithm)
	}
	params, err := parseParams(rest)
	if err != nil {
		return authorization{}, err
	}
	var missing []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if params[name] == "" {
			missing = append(missing, fmt.Sprintf("Authorization header requires '%s' parameter.", name))
		}
	}
	if len(missing) > 0 {
		return authorization{}, incomplete("%s", strings.Join(missing, " "))
	}
	a := authorization{
		signature:     params["Signature"],
		signedHeaders: strings.Split(strings.ToLower(params["SignedHeaders"]), ";"),
	}
	if err := a.parseCredential(params["Credential"]); err != nil {
		return authorization{}, err
	}
	return a, nil
}

func parseParams(s string) (map[string]string, error) {
	params := map[string]string{}
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, incomplete("'%s' not a valid key=value pair (missing equal-sign) in Authorization header.", part)
		}
		if _, twice := params[name]; twice {
			return nil, incomplete("Authorization header has more than one '%s' parameter.", name)
		}
		params[name] = value
	}
	return params, nil
}

// parseCredential reads access-key-id/YYYYMMDD/region/service/aws4_request.
func (a *authorization) parseCredential(s string) error {
	parts := strings.Split(s, "/")
	if len(parts) != 5 {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. "+
			"keyid/date/region/service/term, got '%s'.", s)
	}
	if parts[4] != terminator {
		return mismatch("Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, parts[4])
	}
	a.accessKeyID, a.day, a.region, a.service = parts[0], parts[1], parts[2], parts[3]
	return nil
}
