package store

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/bulkhead-dns/bulkhead/etcd/etcdtest"
	"github.com/bulkhead-dns/bulkhead/zone"
)

func dialWith(t *testing.T, endpoint string, o ...grpc.DialOption) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop(), DialOptions: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// A State is read with many requests and yet shows one revision: what is written meanwhile comes with the watch.
func TestLoadShowsOneRevision(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	writer := dialWith(t, endpoint)
	put := func(ctx context.Context, key, value string) int64 {
		r, err := writer.Put(ctx, key, value)
		if err != nil {
			t.Error(err)
			return 0
		}
		return r.Header.Revision
	}
	z := zone.HostedZone{ID: "Z1", Name: "example.com.", CallerReference: "r"}
	revision := put(t.Context(), zonePrefix+z.ID, encode(z))
	set := zone.ResourceRecordSet{Name: "late.example.com.", Type: zone.A, TTL: new(int64(60)),
		ResourceRecords: []string{"192.0.2.1"}}
	var once atomic.Bool
	late := func(
		ctx context.Context, method string, request, reply any,
		conn *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption,
	) error {
		err := invoke(ctx, method, request, reply, conn, o...)
		if method == "/etcdserverpb.KV/Range" && once.CompareAndSwap(false, true) {
			put(ctx, recordKey(z.ID, set.Key()), encode(set))
		}
		return err
	}
	s, err := New(Options{Endpoints: []string{endpoint}, Node: "n"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.load(t.Context(), dialWith(t, endpoint, grpc.WithChainUnaryInterceptor(late))); err != nil {
		t.Fatal(err)
	}
	st := s.State()
	if _, ok := st.Zone(z.ID); !ok || st.Revision() != revision {
		t.Errorf("read at revision %d, the zone is there: %v; want it at %d", st.Revision(), ok, revision)
	}
	if n := st.Records(z.ID).Len(); n != 0 {
		t.Errorf("the State of revision %d has %d record sets that were written later", st.Revision(), n)
	}
}

// A member of etcd that has lost its majority ends the watch: it would be silent for ever otherwise.
func TestWatchRequiresALeader(t *testing.T) {
	t.Parallel()
	endpoint := etcdtest.Start(t)
	asked := make(chan metadata.MD, 1)
	record := func(
		ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string,
		stream grpc.Streamer, o ...grpc.CallOption,
	) (grpc.ClientStream, error) {
		if method == "/etcdserverpb.Watch/Watch" {
			md, _ := metadata.FromOutgoingContext(ctx)
			asked <- md
		}
		return stream(ctx, desc, conn, method, o...)
	}
	s, err := New(Options{Endpoints: []string{endpoint}, Node: "n"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	ended := make(chan error, 1)
	client := dialWith(t, endpoint, grpc.WithChainStreamInterceptor(record))
	go func() { ended <- s.watch(ctx, client) }()
	select {
	case md := <-asked:
		if !slices.Equal(md.Get(rpctypes.MetadataRequireLeaderKey), []string{rpctypes.MetadataHasLeader}) {
			t.Errorf("the watch asks with %v, want that it requires a leader", md)
		}
	case <-ctx.Done():
		t.Error("no watch was opened")
	}
	cancel()
	<-ended
}
