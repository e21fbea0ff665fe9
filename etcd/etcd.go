// Package etcd runs an etcd server inside this process. It is the only room that links the server.
//
// The server has one member, no peers, and one listener: a unix socket. What it acknowledges is on disk (fsync is never
// turned off). A disk that fills up or breaks stops the server, never the process: DNS goes on answering.
package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"google.golang.org/grpc"
)

const (
	defaultQuota        = 8 << 30
	defaultStartTimeout = 30 * time.Second

	// maxTxnOps and maxRequestBytes hold a change batch of the largest size Route 53 takes (1,000 values, each in a record
	// set of its own), with room to spare. r53: C.6.
	maxTxnOps       = 10_000
	maxRequestBytes = 10 << 20

	defaultHistory = 10 * time.Minute

	// A server that failed may never end its shutdown: a goroutine that died holds its locks for ever.
	closeTimeout     = 10 * time.Second
	deadCloseTimeout = time.Second

	memberName = "bulkhead"
)

// Options of Start.
type Options struct {
	// Dir is the data directory, created with mode 0700 if missing. It holds the socket too, unless its path is too long
	// for one.
	Dir string
	// FastTicks shortens raft timing, so that a server is ready in tens of milliseconds; for tests.
	FastTicks bool
	// QuotaBytes bounds the database: a write beyond it is refused. 0 means 8 GiB.
	QuotaBytes int64
	// History is how far back etcd remembers changes. A watcher that has missed more reads everything again. 0 means 10
	// minutes.
	History time.Duration
	// Logger gets etcd's own log at warn and above; nil discards it.
	Logger *slog.Logger
	// StartTimeout bounds Start; 0 means 30 s.
	StartTimeout time.Duration
}

// A Server is a running single-member etcd reachable over a unix socket only.
type Server struct {
	dir      string
	socket   string
	tempDir  string // of the socket, when dir is too long for it
	lock     *fileutil.LockedFile
	etcd     *embed.Etcd
	rpc      atomic.Pointer[grpc.Server]
	dead     *deathHook
	quiet    atomic.Bool // once stopping, etcd's complaints about that are not passed on
	failed   chan error
	closing  chan struct{}
	watching sync.WaitGroup
	close    sync.Once
}

// Start opens the data directory and waits until etcd serves. The error names the directory and what is wrong with it:
// in use by another process, not writable, full, damaged, or not ready within the time-out. Ending ctx ends the
// waiting, not a server that started.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.StartTimeout == 0 {
		o.StartTimeout = defaultStartTimeout
	}
	if o.History == 0 {
		o.History = defaultHistory
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("etcd data directory %q: %w", o.Dir, err)
	}
	s := &Server{dir: dir, dead: newDeathHook(), failed: make(chan error, 1), closing: make(chan struct{})}
	if s.lock, err = openDir(dir); err != nil {
		return nil, err
	}
	s.socket, s.tempDir = socketPath(dir)
	if s.tempDir != "" {
		if err := makeSocketDir(s.tempDir); err != nil {
			return nil, errors.Join(fmt.Errorf("directory for etcd's socket: %w", describe(err)), s.lock.Close())
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.StartTimeout,
		fmt.Errorf("etcd in %s is not ready after %v", dir, o.StartTimeout))
	defer cancel()
	if err := s.boot(ctx, o); err != nil {
		return nil, err
	}
	s.watching.Go(s.watch)
	return s, nil
}

// boot starts etcd and waits for it. etcd may end or block the goroutine it starts in (see deathHook), so it gets its
// own.
func (s *Server) boot(ctx context.Context, o Options) error {
	started := make(chan error, 1)
	go func() {
		err := errors.New("etcd gave up")
		defer func() { // also when a fatal error of etcd ends this goroutine
			if p := recover(); p != nil {
				err = fmt.Errorf("its files are damaged (%v): restore them from a backup", p)
			}
			started <- err
		}()
		s.etcd, err = embed.StartEtcd(s.config(o))
		if err == nil {
			err = s.ready(ctx)
		}
	}()
	var err error
	select {
	case err = <-started:
		if err == nil {
			return nil
		}
		started <- err // for the clean-up below
	case err = <-s.dead.cause:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	select {
	case <-started:
		s.Close()
	case <-time.After(time.Second): // it may never come: leave the directory locked until it does
		go func() {
			<-started
			s.Close()
		}()
	}
	select {
	case err = <-s.dead.cause: // says more than what followed from it
	default:
	}
	return fmt.Errorf("start etcd in %s: %w", s.dir, describe(err))
}

// ready waits until etcd takes requests.
func (s *Server) ready(ctx context.Context) error {
	select {
	case <-s.etcd.Server.ReadyNotify():
		return s.clearAlarm(ctx)
	case <-s.etcd.Server.StopNotify():
		return errors.New("etcd stopped before it was ready")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// config is etcd's configuration: one member, nothing listening but the socket.
func (s *Server) config(o Options) *embed.Config {
	cfg := embed.NewConfig()
	cfg.Name = memberName
	cfg.Dir = s.dir
	client := url.URL{Scheme: "unix", Path: s.socket}
	cfg.ListenClientUrls = []url.URL{client}
	cfg.AdvertiseClientUrls = []url.URL{client}
	// A peer address is asked for, but a single member is never called on it.
	cfg.ListenPeerUrls = nil
	cfg.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	cfg.InitialCluster = cfg.InitialClusterFromName(memberName)
	// The cluster id derives from the token: clients tell a new, empty directory from the one they knew by it.
	cfg.InitialClusterToken = uuid.NewString()

	cfg.EnableGRPCGateway = false
	cfg.MaxTxnOps = maxTxnOps
	cfg.MaxRequestBytes = maxRequestBytes
	cfg.AutoCompactionMode = embed.CompactorModePeriodic
	cfg.AutoCompactionRetention = o.History.String()
	cfg.QuotaBackendBytes = o.QuotaBytes
	if cfg.QuotaBackendBytes == 0 {
		cfg.QuotaBackendBytes = defaultQuota
	}
	cfg.BootstrapDefragThresholdMegabytes = 256
	if o.FastTicks {
		cfg.TickMs, cfg.ElectionMs = 5, 25
	}
	cfg.LogLevel = "warn"
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(newSlogCore(o.Logger, &s.quiet),
		zap.WithFatalHook(s.dead), zap.WithPanicHook(s.dead)))
	cfg.ServiceRegister = func(rpc *grpc.Server) { s.rpc.Store(rpc) }
	return cfg
}

// clearAlarm lifts the refusal of writes that a full database left behind, if compaction has made room since. etcd
// never does so by itself; should there still be no room, the next write raises it again.
func (s *Server) clearAlarm(ctx context.Context) error {
	for _, a := range s.etcd.Server.Alarms() {
		if a.Alarm != etcdserverpb.AlarmType_NOSPACE {
			return fmt.Errorf("etcd raised the alarm %v: the database is damaged, restore it from a backup", a.Alarm)
		}
		_, err := s.etcd.Server.Alarm(ctx, &etcdserverpb.AlarmRequest{
			Action: etcdserverpb.AlarmRequest_DEACTIVATE, MemberID: a.MemberID, Alarm: a.Alarm,
		})
		if err != nil {
			return fmt.Errorf("clear the alarm of a full database: %w", err)
		}
	}
	return nil
}

// watch waits for the end of etcd and tells Failed unless Close wanted it. Clients are cut off at once: they would wait
// for answers that cannot come.
func (s *Server) watch() {
	var err error
	select {
	case <-s.closing:
		return
	case err = <-s.dead.cause:
	case err = <-s.etcd.Err():
	case <-s.etcd.Server.StopNotify():
		err = errors.New("the server ended")
	}
	s.quiet.Store(true)
	s.failed <- fmt.Errorf("etcd in %s stopped: %w", s.dir, describe(err))
	if rpc := s.rpc.Load(); rpc != nil {
		rpc.Stop()
	}
}

// Endpoint is what clients dial: "unix:///…/client.sock".
func (s *Server) Endpoint() string { return "unix://" + s.socket }

// Failed delivers one error, should the server stop by itself: the disk is full or broken. Close must still be called.
func (s *Server) Failed() <-chan error { return s.failed }

// Close stops the server and waits for it, at most ten seconds. Requests in flight are cut off; what was acknowledged
// is on disk. Closing twice is allowed.
func (s *Server) Close() {
	s.close.Do(func() {
		s.quiet.Store(true)
		close(s.closing)
		s.watching.Wait()
		if s.stop() {
			s.lock.Close()
		}
		os.Remove(s.socket)
		if s.tempDir != "" {
			os.RemoveAll(s.tempDir)
		}
	})
}

// stop ends etcd and reports whether it ended: if not, the directory stays locked, for etcd may still write there.
func (s *Server) stop() bool {
	if s.etcd == nil {
		return true
	}
	if rpc := s.rpc.Load(); rpc != nil {
		rpc.Stop() // etcd would wait for the end of every watch
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.etcd.Close()
	}()
	limit := time.NewTimer(closeTimeout)
	defer limit.Stop()
	for died := s.dead.died; ; died = nil {
		select {
		case <-stopped:
			return true
		case <-died:
			limit.Reset(deadCloseTimeout)
		case <-limit.C:
			return false
		}
	}
}
