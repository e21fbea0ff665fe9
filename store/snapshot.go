package store

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/bulkhead-dns/bulkhead/cidr"
	"github.com/bulkhead-dns/bulkhead/health"
	"github.com/bulkhead-dns/bulkhead/tagging"
	"github.com/bulkhead-dns/bulkhead/zone"
)

// The snapshot is a gzip file of JSON lines: a header, then every hosted zone followed by its record sets, every health
// check, load balancer, CIDR collection, delegation set, list of tags and verdict, and at the end a checksum of the
// lines before. Reports are not in it: they are nothing without their checkers.

const (
	// snapshotDelay is the least time between a change and the snapshot that has it, so that a burst of changes makes one.
	snapshotDelay = 5 * time.Second

	// snapshotShare bounds what snapshots cost: after one that took d the next is d times this away.
	snapshotShare = 20

	snapshotVersion = 1
)

// A snapshotLine is one line of a snapshot: one of its fields is set.
type snapshotLine struct {
	Header       *snapshotHeader         `json:"header,omitempty"`
	Zone         *zone.HostedZone        `json:"zone,omitempty"`
	RecordSet    *zone.ResourceRecordSet `json:"recordSet,omitempty"` // of the zone before
	Check        *health.Check           `json:"check,omitempty"`
	LoadBalancer *zone.LoadBalancer      `json:"loadBalancer,omitempty"`
	Verdict      *snapshotVerdict        `json:"verdict,omitempty"`

	CIDRCollection *cidr.Collection `json:"cidrCollection,omitempty"`
	DelegationSet  *DelegationSet   `json:"delegationSet,omitempty"`
	Tags           *snapshotTags    `json:"tags,omitempty"`

	SHA256 string `json:"sha256,omitempty"`
}

type snapshotHeader struct {
	Version  int       `json:"v"`
	Cluster  uint64    `json:"cluster"`
	Revision int64     `json:"revision"`
	Written  time.Time `json:"written"`
}

type snapshotTags struct {
	Resource string        `json:"resource"` // resource type, slash, id
	Tags     []tagging.Tag `json:"tags"`
}

type snapshotVerdict struct {
	Check   string `json:"check"`
	Healthy bool   `json:"healthy"`
}

// loadSnapshot returns the state that the snapshot holds; nil when there is none, or none to be trusted, which is
// logged.
func (s *Store) loadSnapshot() *State {
	if s.o.SnapshotPath == "" {
		return nil
	}
	f, err := os.Open(s.o.SnapshotPath)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var st *State
	if err == nil {
		defer f.Close()
		st, err = readSnapshot(f)
	}
	if err != nil {
		s.o.Logger.Error("the snapshot is refused: a start without etcd is not possible until etcd was reached once",
			"path", s.o.SnapshotPath, "err", err)
		return nil
	}
	return st
}

// readSnapshot reads a whole snapshot. The error says why it cannot be trusted.
func readSnapshot(r io.Reader) (*State, error) {
	unzipped, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReader(unzipped)
	sum := sha256.New()
	changed := pending{}
	e := newState().edit(&changed, func(string) bool { return false })
	e.next.verdicts = map[string]bool{}
	zoneID := ""
	for first := true; ; first = false {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("it ends before its checksum: %w", err)
		}
		var line snapshotLine
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, err
		}
		if first && (line.Header == nil || line.Header.Version != snapshotVersion) {
			return nil, fmt.Errorf("it does not begin with a header of form %d: %.80q", snapshotVersion, text)
		}
		switch {
		case line.Header != nil:
			e.next.cluster, e.next.revision = line.Header.Cluster, line.Header.Revision
		case line.Zone != nil:
			zoneID = line.Zone.ID
			e.addZone(zoneID, *line.Zone)
		case line.RecordSet != nil:
			if zoneID == "" {
				return nil, fmt.Errorf("a record set of no zone: %.80q", text)
			}
			e.addRecord(zoneID, line.RecordSet)
		case line.Check != nil:
			e.next.checks.Set(line.Check.ID, &checkEntry{check: *line.Check})
		case line.LoadBalancer != nil:
			e.next.balancers.Set(string(line.LoadBalancer.DNSName), line.LoadBalancer)
		case line.CIDRCollection != nil:
			e.addCIDRCollection(*line.CIDRCollection, 0)
		case line.DelegationSet != nil:
			e.next.delegations.Set(line.DelegationSet.ID, line.DelegationSet)
		case line.Tags != nil:
			e.next.tags.Set(line.Tags.Resource, &tagsEntry{tags: line.Tags.Tags})
		case line.Verdict != nil:
			e.next.verdicts[line.Verdict.Check] = line.Verdict.Healthy
		case line.SHA256 != "":
			if got := hex.EncodeToString(sum.Sum(nil)); line.SHA256 != got {
				return nil, fmt.Errorf("its checksum is %s, but it says %s", got, line.SHA256)
			}
			if _, err := lines.ReadByte(); !errors.Is(err, io.EOF) {
				return nil, errors.New("it goes on after its checksum")
			}
			return e.done(), nil
		default:
			return nil, fmt.Errorf("a line of no known kind: %.80q", text)
		}
		sum.Write(text)
	}
}

// A snapshotWriter writes lines and sums them up.
type snapshotWriter struct {
	out io.Writer
	sum hash.Hash
	err error
}

func (w *snapshotWriter) write(line snapshotLine) bool {
	var text bytes.Buffer
	if w.err == nil {
		w.err = json.NewEncoder(&text).Encode(line) // ends the line
	}
	if w.err == nil {
		w.sum.Write(text.Bytes())
		_, w.err = w.out.Write(text.Bytes())
	}
	return w.err == nil
}

// writeSnapshot writes st and the verdicts. st is immutable, so that nothing has to wait.
func writeSnapshot(out io.Writer, st *State, verdicts map[string]bool, now time.Time) error {
	zipped, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(zipped, 64<<10)
	w := &snapshotWriter{out: buffered, sum: sha256.New()}
	w.write(snapshotLine{Header: &snapshotHeader{snapshotVersion, st.cluster, st.revision, now.UTC()}})
	for z := range st.Zones() {
		w.write(snapshotLine{Zone: &z})
		for set := range st.Records(z.ID).From(zone.Key{}) {
			if !w.write(snapshotLine{RecordSet: set}) {
				return w.err
			}
		}
	}
	for c := range st.Checks() {
		w.write(snapshotLine{Check: &c})
	}
	for lb := range st.LoadBalancers() {
		w.write(snapshotLine{LoadBalancer: &lb})
	}
	for c := range st.CIDRCollections() {
		w.write(snapshotLine{CIDRCollection: &c})
	}
	for set := range st.DelegationSets() {
		w.write(snapshotLine{DelegationSet: &set})
	}
	st.tags.Scan(func(resource string, e *tagsEntry) bool {
		return w.write(snapshotLine{Tags: &snapshotTags{resource, e.tags}})
	})
	for id, healthy := range verdicts {
		w.write(snapshotLine{Verdict: &snapshotVerdict{id, healthy}})
	}
	w.write(snapshotLine{SHA256: hex.EncodeToString(w.sum.Sum(nil))})
	return errors.Join(w.err, buffered.Flush(), zipped.Close())
}

// saveSnapshot replaces the snapshot on disk by one of the current State, all of it or not at all.
func (s *Store) saveSnapshot() error {
	st := s.State()
	if st.cluster == 0 {
		return nil
	}
	// A check that nobody has reported on since the start keeps its verdict.
	verdicts := map[string]bool{}
	for id, healthy := range st.verdicts {
		if _, ok := st.Check(id); ok {
			verdicts[id] = healthy
		}
	}
	if s.o.Verdicts != nil {
		for id, healthy := range s.o.Verdicts() {
			verdicts[id] = healthy
		}
	}
	dir := filepath.Dir(s.o.SnapshotPath)
	f, err := os.OpenFile(s.o.SnapshotPath+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = writeSnapshot(f, st, verdicts, time.Now())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.o.SnapshotPath)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// saveSnapshots keeps the snapshot on disk up to date until ctx ends.
func (s *Store) saveSnapshots(ctx context.Context) {
	if s.o.SnapshotPath == "" {
		return
	}
	delay, failing := snapshotDelay, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.unsaved:
		}
		if sleep(ctx, delay) != nil {
			token(s.unsaved) // for saveLast
			return
		}
		select { // what came meanwhile is saved too
		case <-s.unsaved:
		default:
		}
		began := time.Now()
		err := s.saveSnapshot()
		if err != nil && !failing {
			s.logUnsaved(err)
		}
		failing = err != nil
		delay = max(snapshotDelay, snapshotShare*time.Since(began))
	}
}

// saveLast saves what saveSnapshots had not come to.
func (s *Store) saveLast() {
	select {
	case <-s.unsaved:
		if s.o.SnapshotPath == "" {
			return
		}
		if err := s.saveSnapshot(); err != nil {
			s.logUnsaved(err)
		}
	default:
	}
}

func (s *Store) logUnsaved(err error) {
	s.o.Logger.Error("the snapshot cannot be written", "path", s.o.SnapshotPath, "err", err)
}
