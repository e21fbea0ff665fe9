package etcd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"
)

// maxSocketPath is what every system takes as the path of a unix socket: 108 bytes on Linux, 104 on the BSDs and macOS, one of
// them a zero byte.
const maxSocketPath = 103

// openDir makes the directory ready for etcd and locks it. etcd itself would wait without end for a database that another
// process holds, and end the process over one that is damaged: both are found here first.
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

// socketPath returns where the client socket goes: in the data directory, or in a temporary directory when the system would not
// take so long a path.
func socketPath(dir string) (path, tempDir string, err error) {
	const name = "client.sock"
	if path = filepath.Join(dir, name); len(path) <= maxSocketPath {
		return path, "", nil
	}
	if tempDir, err = os.MkdirTemp("", "bulkhead-"); err != nil {
		return "", "", fmt.Errorf("directory for etcd's socket: %w", describe(err))
	}
	return filepath.Join(tempDir, name), tempDir, nil
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
