package kube

import (
	"fmt"
	"os"
	"path/filepath"
)

// folder is a temporary folder that the next Region removes if this process is killed before it can.
type folder struct {
	path string
	lock *os.File // locked while this process lives
}

const folderPrefix = "bulkhead-kube-"

// newFolder makes a folder, and removes those that processes have left behind.
func newFolder() (*folder, error) {
	path, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return nil, err
	}
	// The lock appears under its name when it is locked: a folder without one is not to be judged yet.
	lock, err := os.Create(filepath.Join(path, "locking"))
	if err == nil {
		err = tryLock(lock)
	}
	if err == nil {
		err = os.Rename(lock.Name(), filepath.Join(path, "lock"))
	}
	if err != nil {
		os.RemoveAll(path)
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	removeLeftBehind(filepath.Dir(path))
	return &folder{path: path, lock: lock}, nil
}

// removeLeftBehind removes the folders in dir whose lock nobody holds. What it cannot remove is no obstacle to a new one.
func removeLeftBehind(dir string) {
	locks, _ := filepath.Glob(filepath.Join(dir, folderPrefix+"*", "lock")) // the pattern is right
	for _, name := range locks {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue // removed by now, or another user's
		}
		if tryLock(f) == nil {
			os.RemoveAll(filepath.Dir(name))
		}
		f.Close()
	}
}

func (f *folder) remove() error {
	err := os.RemoveAll(f.path)
	f.lock.Close() // only now: nobody else is to remove it meanwhile
	return err
}
