package users

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// storedCredentials is the file of the administrator's key pair.
type storedCredentials struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
}

func credentialsPath(dataDir string) string { return filepath.Join(dataDir, "credentials.json") }

// LoadAdministrator returns the administrator's key pair of a data directory. On the first start it generates one. Only
// the file's owner can read it.
func LoadAdministrator(dataDir string) (sigv4.Credentials, error) {
	path := credentialsPath(dataDir)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createCredentials(path)
	}
	if err != nil {
		return sigv4.Credentials{}, fmt.Errorf("read the administrator's credentials: %w", err)
	}
	var c storedCredentials
	if err := json.Unmarshal(data, &c); err != nil {
		return sigv4.Credentials{}, fmt.Errorf("read the administrator's credentials in %s: %w", path, err)
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return sigv4.Credentials{}, fmt.Errorf("credentials in %s: accessKeyId and secretAccessKey must both be set", path)
	}
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey}, nil
}

// createCredentials generates a key pair and writes it.
func createCredentials(path string) (sigv4.Credentials, error) {
	secret := make([]byte, 30)
	rand.Read(secret)
	c := storedCredentials{
		AccessKeyID:     "AKIA" + rand.Text()[:16], // the form AWS's clients expect: AKIA and sixteen of A-Z 2-7
		SecretAccessKey: base64.StdEncoding.EncodeToString(secret),
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return sigv4.Credentials{}, err
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o600); err != nil {
		return sigv4.Credentials{}, fmt.Errorf("write the administrator's credentials: %w", err)
	}
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey}, nil
}

// ReadAdministrator returns the administrator's key pair of a data directory that an engine has run on. It generates
// none.
func ReadAdministrator(dataDir string) (sigv4.Credentials, error) {
	path := credentialsPath(dataDir)
	if _, err := os.Stat(path); err != nil {
		return sigv4.Credentials{}, fmt.Errorf("no credentials in %s: no engine has run there yet (%w)", dataDir, err)
	}
	return LoadAdministrator(dataDir)
}
