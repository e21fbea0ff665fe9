package kube

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// stopLimit is what a component may take to end by itself before it is killed.
const stopLimit = 15 * time.Second

// process is one running component. A nil process is one that was never started.
type process struct {
	name string
	log  string // the file that has its output
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// startProcess starts a binary; its output is appended to a log file. The process dies with this one, however this one ends.
func startProcess(binary, log string, args ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = dieWithParent()

	p := &process{name: filepath.Base(binary), log: log, cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel takes the thread that started the process for its parent: the thread must not end earlier.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait() // how it ended is in cmd.ProcessState
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// failed returns an error with the end of its log if the process has ended.
func (p *process) failed() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s has ended: %s\n%s", p.name, p.cmd.ProcessState, p.tail())
	default:
		return nil
	}
}

// terminate asks the process to end.
func (p *process) terminate() {
	if p != nil {
		p.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	}
}

// stop asks the process to end and waits for it; one that takes too long is killed, which is an error.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	p.terminate()
	select {
	case <-p.done:
		return nil
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("%s did not end within %s of being asked to\n%s", p.name, stopLimit, p.tail()), p.kill())
	}
}

// kill ends the process without asking.
func (p *process) kill() error {
	if p == nil {
		return nil
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.done
	return nil
}

// tail returns the last lines of the log, each after the process's name.
func (p *process) tail() string {
	const lines, line = 15, 400
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error() + "\n"
	}
	all := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	var s bytes.Buffer
	for _, l := range all[max(0, len(all)-lines):] {
		fmt.Fprintf(&s, "%s: %s\n", p.name, l[:min(len(l), line)])
	}
	return s.String()
}
