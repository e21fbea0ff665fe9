package etcd

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"
)

// maxSocketPath is what every system takes as the path of a unix socket: 108 bytes on Linux, 104 on the BSDs and macOS,
// one of them a zero byte.
const maxSocketPath = 103

// openDir makes the directory ready for etcd and locks it. etcd itself would wait without end for a database that
// another process holds, and end the process over one that is damaged: both are found here first.
func openDir(dir string) (*fileutil.LockedFile, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("etcd data directory %s cannot be made: %w", dir, describe(err))
	}
	lock, err := fileutil.TryLockFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	switch {
	case errors.Is(err, fileutil.ErrLocked):
		return nil, fmt.Errorf("etcd data directory %s is in use by another bulkhead process", dir)
	case err != nil:
		return nil, fmt.Errorf("etcd data directory %s is not writable: %w", dir, describe(err))
	}
	if err := checkDatabase(filepath.Join(dir, "member", "snap", "db")); err != nil {
		return nil, errors.Join(fmt.Errorf("etcd data directory %s: %w", dir, err), lock.Close())
	}
	return lock, nil
}

// checkDatabase opens the database as etcd will, without changing it.
func checkDatabase(path string) (err error) {
	if _, statErr := os.Stat(path); errors.Is(statErr, os.ErrNotExist) {
		return nil
	}
	defer func() {
		if p := recover(); p != nil { // bbolt panics over pages it cannot make sense of
			err = fmt.Errorf("the database %s is damaged (%v): restore it from a backup", path, p)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second, PreLoadFreelist: true})
	switch {
	case errors.Is(err, bbolterrors.ErrTimeout):
		return fmt.Errorf("the database %s is in use by another process", path)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the database cannot be read: %w", err)
	case err != nil:
		return fmt.Errorf("the database %s is damaged (%w): restore it from a backup", path, err)
	}
	return db.Close()
}

// Endpoint is what clients of an etcd in dir dial, whether it runs or not: "unix:///…/client.sock".
func Endpoint(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("etcd data directory %q: %w", dir, err)
	}
	path, _ := socketPath(dir)
	return "unix://" + path, nil
}

// socketPath returns where the client socket goes: in the data directory, or, when the system would not take so long a
// path, in a directory below the temporary one that is named after it.
func socketPath(dir string) (path, tempDir string) {
	const name = "client.sock"
	if path = filepath.Join(dir, name); len(path) <= maxSocketPath {
		return path, ""
	}
	sum := sha256.Sum256([]byte(dir))
	tempDir = filepath.Join(os.TempDir(), fmt.Sprintf("bulkhead-%d-%x", os.Getuid(), sum[:8]))
	return filepath.Join(tempDir, name), tempDir
}

// makeSocketDir makes the directory below the temporary one. One that is there already must be this user's alone:
// anybody may write to the temporary directory.
func makeSocketDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ok || int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("%s exists and is not a directory of this user alone: remove it or use a shorter data directory",
			dir)
	}
	return nil
}

// describe adds what a person can do about an error of the system.
func describe(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the disk is full: %w", err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the file system is read-only: %w", err)
	}
	return err
}
