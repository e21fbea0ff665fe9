package lab

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bulkhead-dns/bulkhead/awsserver"
)

// A kubeconfig is what the lab needs of the file that kubectl reads.
type kubeconfig struct {
	CurrentContext string `yaml:"current-context"`
	Contexts       []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster string `yaml:"cluster"`
		} `yaml:"context"`
	} `yaml:"contexts"`
	Clusters []struct {
		Name    string `yaml:"name"`
		Cluster struct {
			Server string `yaml:"server"`
			CAData string `yaml:"certificate-authority-data"`
			CAFile string `yaml:"certificate-authority"` // relative to the kubeconfig
		} `yaml:"cluster"`
	} `yaml:"clusters"`
}

// readClusters reads the kubeconfigs of Regions, or reports every fault at once.
func readClusters(paths map[string]string) (map[string]awsserver.Cluster, error) {
	clusters := make(map[string]awsserver.Cluster, len(paths))
	var faults []error
	for region, path := range paths {
		c, err := readCluster(path)
		if err != nil {
			faults = append(faults, fmt.Errorf("kubeconfig of %s: %w", region, err))
		}
		clusters[region] = c
	}
	return clusters, errors.Join(faults...)
}

// readCluster returns the cluster of a kubeconfig's current context.
func readCluster(path string) (awsserver.Cluster, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return awsserver.Cluster{}, err
	}
	var k kubeconfig
	if err := yaml.Unmarshal(data, &k); err != nil {
		return awsserver.Cluster{}, fmt.Errorf("read %s: %w", path, err)
	}
	wanted, err := k.currentCluster()
	if err != nil {
		return awsserver.Cluster{}, fmt.Errorf("%s: %w", path, err)
	}
	for _, c := range k.Clusters {
		if c.Name != wanted {
			continue
		}
		if c.Cluster.Server == "" {
			return awsserver.Cluster{}, fmt.Errorf("%s: cluster %q has no server", path, wanted)
		}
		ca := c.Cluster.CAData
		if ca == "" && c.Cluster.CAFile != "" {
			if ca, err = readCA(filepath.Dir(path), c.Cluster.CAFile); err != nil {
				return awsserver.Cluster{}, err
			}
		}
		return awsserver.Cluster{Name: clusterName(wanted), Endpoint: c.Cluster.Server, CA: ca}, nil
	}
	return awsserver.Cluster{}, fmt.Errorf("%s: there is no cluster %q", path, wanted)
}

func (k kubeconfig) currentCluster() (string, error) {
	for _, c := range k.Contexts {
		if c.Name == k.CurrentContext && c.Name != "" {
			return c.Context.Cluster, nil
		}
	}
	return "", fmt.Errorf("current-context %q is no context of it: `kubectl config use-context` chooses one",
		k.CurrentContext)
}

func readCA(dir, file string) (string, error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("certificate authority: %w", err)
	}
	return base64.StdEncoding.EncodeToString(pem), nil
}

// clusterName makes a name that EKS could have given of a kubeconfig's: the last part of an ARN, and nothing but
// letters, digits, - and _.
func clusterName(name string) string {
	if strings.HasPrefix(name, "arn:") {
		name = name[strings.LastIndex(name, "/")+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, name)
	return name[:min(len(name), 100)]
}
