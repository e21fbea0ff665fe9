package store

import (
	"strings"
	"sync"
)

// leased holds what this node publishes under its lease: reports, target health, the revision it has applied. A value
// stays here until it is removed, whether etcd has it or not. It is published again when the lease was lost.
type leased struct {
	mu     sync.Mutex
	values map[string]any // by key; nil to be deleted
	urgent set[string]    // keys to publish at once
	lazy   set[string]    // keys to publish when there is time
	wake   chan struct{}  // holds a token while urgent has keys
}

func newLeased() *leased { return &leased{values: map[string]any{}, wake: make(chan struct{}, 1)} }

// set publishes value under key.
func (l *leased) set(key string, value any, urgent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values[key] = value
	l.mark(key, urgent)
}

// remove deletes key, also from etcd.
func (l *leased) remove(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values[key] = nil
	l.mark(key, true)
}

// forget drops the keys with a prefix here. It leaves them in etcd.
func (l *leased) forget(prefix string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.values {
		if strings.HasPrefix(key, prefix) {
			delete(l.values, key)
		}
	}
}

// holds reports whether this node publishes key, or has yet to delete it from etcd.
func (l *leased) holds(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.values[key]
	return ok
}

// all calls f with every key that is published.
func (l *leased) all(f func(key string, value any)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, value := range l.values {
		if value != nil {
			f(key, value)
		}
	}
}

// retryAll marks everything for publication.
func (l *leased) retryAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.values {
		l.mark(key, true)
	}
}

// retry marks keys whose publication failed.
func (l *leased) retry(keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		l.mark(key, true)
	}
}

func (l *leased) mark(key string, urgent bool) {
	if !urgent {
		l.lazy.add(key)
		return
	}
	l.urgent.add(key)
	l.signal()
}

func (l *leased) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take returns up to n keys to publish with their values, urgent or lazy ones; a nil value is to be deleted.
func (l *leased) take(n int, urgent bool) (keys []string, values []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := &l.lazy
	if urgent {
		from = &l.urgent
	}
	for _, key := range from.take(n) {
		if value, ok := l.values[key]; ok {
			keys, values = append(keys, key), append(values, value)
		}
	}
	if len(l.urgent.order) > 0 {
		l.signal()
	}
	return keys, values
}

// published records that etcd has these values. A key that was to be deleted is forgotten, unless it was set again
// meanwhile.
func (l *leased) published(keys []string, values []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, key := range keys {
		if now, ok := l.values[key]; ok && now == nil && values[i] == nil {
			delete(l.values, key)
		}
	}
}
