//go:build kube

package kube

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// abandoned is what makes this test binary start a Region, say where it is, and wait to be killed.
const abandoned = "KUBE_TEST_ABANDONED"

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // controller-runtime complains if nobody has chosen one
	if os.Getenv(abandoned) == "" {
		os.Exit(m.Run())
	}
	r, err := Start(context.Background(), "abandoned", Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(r.folder.path, r.etcd.cmd.Process.Pid, r.apiServer.cmd.Process.Pid)
	select {}
}
