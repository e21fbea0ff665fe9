package main

import (
	"io"
	"os"
	"path/filepath"
)

// A writeLog is the file to which a JSON line is appended for every call that writes. It is opened before the first of
// them, so that a run which could not be followed later does not begin.
type writeLog struct {
	path   string // - is stderr
	stderr io.Writer
	file   *os.File
}

func (l *writeLog) open() error {
	if l.path == "-" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	l.file = f
	return err
}

// Write appends one line.
func (l *writeLog) Write(data []byte) (int, error) {
	if l.file == nil {
		return l.stderr.Write(data)
	}
	return l.file.Write(data)
}

func (l *writeLog) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
