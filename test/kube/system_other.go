//go:build !linux

package kube

import (
	"errors"
	"os"
	"syscall"
)

// What follows lets the package compile on systems that run no Regions.

func dieWithParent() *syscall.SysProcAttr { return nil }

func tryLock(*os.File) error { return errors.ErrUnsupported }
