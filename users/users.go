// Package users knows who may call the engine's APIs: the generated administrator, and the users of a file, each with
// an access key and a role. What a role may do is for the API to decide (r53server).
package users

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// checkInterval is the least time between two looks at the file.
const checkInterval = time.Second

// administratorName is the name of the generated administrator. No user of the file can have it.
const administratorName = "administrator"

// A User is somebody with an access key. The zero value may do nothing.
type User struct {
	sigv4.Credentials
	Name string // as in refusals: arn:aws:iam::000000000000:user/NAME
	Role Role
	// Zones are the hosted zones of RoleZones: ids, or names in the form of zone.Name. A name stands for every zone of
	// that name.
	Zones []string
}

// A Role is what a user may do.
type Role string

// The roles. RoleZones reads everything but the contents of other zones, and changes records, comment and tags of its
// own zones. Only administrators create and delete zones and change health checks, because records of any zone may cite
// a health check.
const (
	RoleAdministrator Role = "administrator" // everything
	RoleReadOnly      Role = "read-only"     // every operation that changes nothing
	RoleZones         Role = "zones"         // User.Zones
)

// A Directory holds the administrator and the users of a file. It reads the file again when the file has changed. When
// the file cannot be read or is not valid, the users stay as they were and the log says why.
type Directory struct {
	path          string // "" when there is no file
	administrator User
	logger        *slog.Logger

	mu      sync.Mutex
	known   map[string]User // by access key id, the administrator among them
	seen    fs.FileInfo     // the file when it was last read, valid or not; nil when it did not exist
	checked time.Time       // the last look at the file
}

// Open reads the file of users at path; "" means that there is none. The file must exist and be valid.
func Open(path string, administrator sigv4.Credentials, logger *slog.Logger) (*Directory, error) {
	d := &Directory{
		path:          path,
		administrator: User{Credentials: administrator, Name: administratorName, Role: RoleAdministrator},
		logger:        logger,
	}
	d.known = map[string]User{administrator.AccessKeyID: d.administrator}
	return d, d.Reload()
}

// Lookup returns the user of an access key. It may miss a change of the file that is less than a second old.
func (d *Directory) Lookup(accessKeyID string) (User, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); d.path != "" && now.Sub(d.checked) >= checkInterval {
		d.checked = now
		if d.changed() {
			if err := d.read(); err != nil {
				d.logger.Error("the file of users is not accepted: users stay as they were", "err", err)
			}
		}
	}
	user, ok := d.known[accessKeyID]
	return user, ok
}

// Reload reads the file now. On an error the users stay as they were.
func (d *Directory) Reload() error {
	if d.path == "" {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.checked = time.Now()
	return d.read()
}

// changed reports whether the file differs from the one that was read: replaced, written to, removed or back again.
func (d *Directory) changed() bool {
	info, err := os.Stat(d.path)
	if err != nil || d.seen == nil {
		return (err == nil) != (d.seen != nil)
	}
	return !os.SameFile(info, d.seen) || !info.ModTime().Equal(d.seen.ModTime()) || info.Size() != d.seen.Size()
}

// read replaces the known users by those of the file. It records the file's identity before it reads the content, so
// that a change in between makes it read again.
func (d *Directory) read() error {
	info, err := os.Stat(d.path)
	if err != nil {
		d.seen = nil
		return fmt.Errorf("read the users: %w", err)
	}
	d.seen = info
	data, err := os.ReadFile(d.path)
	if err != nil {
		return fmt.Errorf("read the users: %w", err)
	}
	listed, err := parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", d.path, err)
	}
	known := map[string]User{d.administrator.AccessKeyID: d.administrator}
	for _, user := range listed {
		if user.AccessKeyID == d.administrator.AccessKeyID {
			return fmt.Errorf("%s: user %s has the access key of the administrator in credentials.json", d.path, user.Name)
		}
		known[user.AccessKeyID] = user
	}
	d.known = known
	d.logger.Info("users read", "file", d.path, "users", len(listed))
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		d.logger.Warn("the file of users can be read by others than its owner", "file", d.path, "mode", mode)
	}
	return nil
}
