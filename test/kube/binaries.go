package kube

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Binaries returns the folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, kwok and helm. If they have not
// been built for this version, the error gives the command that does so. It works in any package of this module.
func Binaries() (string, error) {
	script, err := buildScript()
	if err != nil {
		return "", err
	}
	var stderr bytes.Buffer
	cmd := exec.Command(script, "-n")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	dir := strings.TrimSpace(string(out))
	if err != nil && dir == "" {
		return "", fmt.Errorf("%s -n: %w\n%s", script, err, stderr.Bytes())
	}
	if err != nil {
		return "", fmt.Errorf("the Kubernetes components for the tests are not in %s: run `make components` once, about ten minutes on two cores", dir)
	}
	return dir, nil
}

// buildScript looks for bins/build.sh from the folder that the test runs in upwards.
func buildScript() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		script := filepath.Join(dir, "test", "kube", "bins", "build.sh")
		if _, err := os.Stat(script); err == nil {
			return script, nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no test/kube/bins/build.sh in %s or above: tests of Kubernetes run in a checkout of this repository", wd)
		}
	}
}
