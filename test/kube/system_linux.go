package kube

import (
	"os"
	"syscall"
)

// dieWithParent has the kernel kill a process when the one that started it ends.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// tryLock locks an open file for as long as this process keeps it open. It is an error if another process has locked it.
func tryLock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
