package users

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/bulkhead-dns/bulkhead/zone"
)

// The file is read node by node and not decoded into a struct: errors of the YAML decoder quote the text, which may be
// a secret.

var (
	userName    = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{1,64}$`) // as in IAM
	accessKeyID = regexp.MustCompile(`^[A-Za-z0-9_]{16,128}$`)     // as in IAM
)

// minSecretLen is the least length of a secret access key: a shorter one can be guessed from one recorded signature.
const minSecretLen = 16

// parse reads the file's text: a list of users under "users". Unknown and repeated fields are refused. Errors name line
// and field, never a value that may be a secret.
func parse(data []byte) ([]User, error) {
	var document yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	switch err := dec.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil // an empty file has no users
	case err != nil:
		return nil, syntaxError(err)
	}
	if err := dec.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file holds more than one YAML document, one is expected")
	}
	top, err := fields(document.Content[0], "the file", "users")
	if err != nil {
		return nil, err
	}
	list, ok := top["users"]
	if !ok {
		return nil, nil
	}
	if list.Kind != yaml.SequenceNode {
		return nil, at(list, "users must be a list")
	}
	var parsed []User
	names, keys := map[string]bool{administratorName: true}, map[string]bool{}
	for _, item := range list.Content {
		user, err := parseUser(item)
		if err != nil {
			return nil, err
		}
		if names[user.Name] {
			return nil, at(item, "the name %q is already in use", user.Name)
		}
		if keys[user.AccessKeyID] {
			return nil, at(item, "user %s has the accessKeyId of another user", user.Name)
		}
		names[user.Name], keys[user.AccessKeyID] = true, true
		parsed = append(parsed, user)
	}
	return parsed, nil
}

func parseUser(item *yaml.Node) (User, error) {
	in, err := fields(item, "a user", "name", "accessKeyId", "secretAccessKey", "sessionToken", "expires", "role", "zones")
	if err != nil {
		return User{}, err
	}
	var u User
	var role, expires string
	for _, field := range []struct {
		name string
		to   *string
	}{
		{"name", &u.Name}, {"accessKeyId", &u.AccessKeyID}, {"secretAccessKey", &u.SecretAccessKey},
		{"sessionToken", &u.SessionToken}, {"expires", &expires}, {"role", &role},
	} {
		value, ok := in[field.name]
		if !ok {
			continue
		}
		if value.Kind != yaml.ScalarNode || value.Tag == "!!null" || value.Value == "" {
			return u, at(value, "%s must be a text that is not empty", field.name)
		}
		*field.to = value.Value
	}
	switch {
	case !userName.MatchString(u.Name):
		return u, at(item, "name must be 1 to 64 letters, digits and _+=,.@-")
	case !accessKeyID.MatchString(u.AccessKeyID):
		return u, at(item, "accessKeyId of user %s must be 16 to 128 letters, digits and underscores", u.Name)
	case len(u.SecretAccessKey) < minSecretLen:
		return u, at(item, "secretAccessKey of user %s must have %d characters or more", u.Name, minSecretLen)
	}
	if expires != "" {
		if u.Expires, err = time.Parse(time.RFC3339, expires); err != nil {
			return u, at(in["expires"], "expires of user %s must be a time such as 2026-12-31T23:59:59Z", u.Name)
		}
	}
	u.Role = Role(role)
	u.Zones, err = parseRole(item, u, in["zones"])
	return u, err
}

// parseRole checks the role and returns the zones that go with it.
func parseRole(item *yaml.Node, u User, zones *yaml.Node) ([]string, error) {
	switch u.Role {
	case RoleAdministrator, RoleReadOnly:
		if zones != nil {
			return nil, at(zones, "zones of user %s: only the role zones has them, not %s", u.Name, u.Role)
		}
		return nil, nil
	case RoleZones:
	default:
		return nil, at(item, "role of user %s must be administrator, read-only or zones", u.Name)
	}
	if zones == nil || zones.Kind != yaml.SequenceNode || len(zones.Content) == 0 {
		return nil, at(item, "zones of user %s must be a list of names or ids of hosted zones, for the role zones", u.Name)
	}
	var parsed []string
	for _, entry := range zones.Content {
		own, err := parseZone(entry)
		if err != nil {
			return nil, at(entry, "zones of user %s: %v", u.Name, err)
		}
		parsed = append(parsed, own)
	}
	return parsed, nil
}

// parseZone reads a zone's name, or its id with or without "/hostedzone/". A name has a dot, an id has none.
func parseZone(entry *yaml.Node) (string, error) {
	if entry.Kind != yaml.ScalarNode || entry.Tag == "!!null" || entry.Value == "" {
		return "", errors.New("an entry must be a name or an id")
	}
	if id := strings.TrimPrefix(entry.Value, "/hostedzone/"); !strings.Contains(id, ".") {
		return id, nil
	}
	name, err := zone.ParseName(entry.Value)
	if err == nil {
		err = zone.ValidateZoneName(name)
	}
	return string(name), err
}

// fields returns the values of a mapping that may have these fields.
func fields(n *yaml.Node, what string, allowed ...string) (map[string]*yaml.Node, error) {
	if n.Kind != yaml.MappingNode {
		return nil, at(n, "%s must be a mapping of %s", what, strings.Join(allowed, ", "))
	}
	found := map[string]*yaml.Node{}
	for pair := range slices.Chunk(n.Content, 2) {
		name := pair[0].Value
		if !slices.Contains(allowed, name) {
			return nil, at(pair[0], "unknown field %q; %s may have %s", name, what, strings.Join(allowed, ", "))
		}
		if _, twice := found[name]; twice {
			return nil, at(pair[0], "field %q is listed twice", name)
		}
		found[name] = pair[1]
	}
	return found, nil
}

func at(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...))
}

var errorLine = regexp.MustCompile(`line \d+`)

// syntaxError keeps the line of a syntax error and drops the rest, which may quote the text.
func syntaxError(err error) error {
	if line := errorLine.FindString(err.Error()); line != "" {
		return errors.New(line + ": not valid YAML")
	}
	return errors.New("not valid YAML")
}
