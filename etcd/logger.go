package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"

	"go.uber.org/zap/zapcore"
)

// A slogCore passes etcd's log on to slog, at warn and above.
type slogCore struct {
	log   *slog.Logger
	quiet *atomic.Bool // passes nothing while set
}

func newSlogCore(log *slog.Logger, quiet *atomic.Bool) slogCore {
	return slogCore{log.With("component", "etcd"), quiet}
}

func (slogCore) Enabled(l zapcore.Level) bool { return l >= zapcore.WarnLevel }

func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	return slogCore{slog.New(c.log.Handler().WithAttrs(attrs(fields))), c.quiet}
}

func (c slogCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) && !c.quiet.Load() && !expected(e.Message) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	level := slog.LevelError
	if e.Level == zapcore.WarnLevel {
		level = slog.LevelWarn
	}
	c.log.LogAttrs(context.Background(), level, e.Message, attrs(fields)...)
	return nil
}

func (slogCore) Sync() error { return nil }

func attrs(fields []zapcore.Field) []slog.Attr {
	enc := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(enc)
	}
	as := make([]slog.Attr, 0, len(enc.Fields))
	for _, f := range fields { // in the order given
		if v, ok := enc.Fields[f.Key]; ok {
			as = append(as, slog.Any(f.Key, v))
		}
	}
	return as
}

// expected reports whether a complaint of etcd is about what an embedded single member is by design, or what every new
// database goes through.
func expected(message string) bool {
	switch message {
	case "Running http and grpc server on single port. This is not recommended for production.",
		"simple token is not cryptographically signed",
		"Failed to detect schema version",
		"failed to update storage version":
		return true
	}
	return false
}

// A deathHook takes the place of os.Exit and panic where etcd's logger would end the process (a write-ahead log that
// cannot be written, above all): it keeps the reason and ends the goroutine only.
type deathHook struct {
	once  sync.Once
	cause chan error // delivers the first reason, once
	died  chan struct{}
}

func newDeathHook() *deathHook {
	return &deathHook{cause: make(chan error, 1), died: make(chan struct{})}
}

// OnWrite is called after a fatal or panic entry was logged, in the goroutine that logged it, and must not return.
func (h *deathHook) OnWrite(ce *zapcore.CheckedEntry, fields []zapcore.Field) {
	h.once.Do(func() {
		h.cause <- reason(ce.Message, fields)
		close(h.died)
	})
	runtime.Goexit()
}

func reason(message string, fields []zapcore.Field) error {
	for _, f := range fields {
		if err, ok := f.Interface.(error); ok && f.Type == zapcore.ErrorType {
			return fmt.Errorf("%s: %w", message, err)
		}
	}
	return errors.New(message)
}
