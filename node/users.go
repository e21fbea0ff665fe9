package node

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/bulkhead-dns/bulkhead/r53server"
	"github.com/bulkhead-dns/bulkhead/sigv4"
)

// usersCheck is how often lookups look whether the file of users has changed, at most.
const usersCheck = time.Second

// administratorName is the name of the generated administrator, which the file may not take.
const administratorName = "administrator"

// users are those who may call the API: the generated administrator, and the users of a file. A file that cannot be read or
// is not valid changes nothing: the users stay who they were, and the log says why.
type users struct {
	path          string // "" when there is no file
	administrator r53server.User
	logger        *slog.Logger

	mu      sync.Mutex
	known   map[string]r53server.User // by access key id, the administrator among them
	seen    fs.FileInfo               // the file when it was last read, valid or not; nil if it was not there
	checked time.Time                 // when it was last looked at
}

// newUsers reads the file, which must be there and valid.
func newUsers(path string, administrator sigv4.Credentials, logger *slog.Logger) (*users, error) {
	u := &users{
		path:          path,
		administrator: r53server.User{Credentials: administrator, Name: administratorName, Role: r53server.RoleAdministrator},
		logger:        logger,
	}
	u.known = map[string]r53server.User{administrator.AccessKeyID: u.administrator}
	return u, u.reload()
}

// lookup finds the user of an access key, in the file as it was a second ago or later.
func (u *users) lookup(accessKeyID string) (r53server.User, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now := time.Now(); u.path != "" && now.Sub(u.checked) >= usersCheck {
		u.checked = now
		if u.changed() {
			if err := u.read(); err != nil {
				u.logger.Error("users stay as they were", "err", err)
			}
		}
	}
	user, ok := u.known[accessKeyID]
	return user, ok
}

// reload reads the file now.
func (u *users) reload() error {
	if u.path == "" {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.checked = time.Now()
	return u.read()
}

// changed reports whether the file is another than the one that was read: replaced, written to, gone or back.
func (u *users) changed() bool {
	info, err := os.Stat(u.path)
	if err != nil || u.seen == nil {
		return (err == nil) != (u.seen != nil)
	}
	return !os.SameFile(info, u.seen) || !info.ModTime().Equal(u.seen.ModTime()) || info.Size() != u.seen.Size()
}

// read replaces the known users by those of the file. What the file was is noted before its content is read, so that a
// change in between is read once more.
func (u *users) read() error {
	info, err := os.Stat(u.path)
	if err != nil {
		u.seen = nil
		return fmt.Errorf("read the users: %w", err)
	}
	u.seen = info
	data, err := os.ReadFile(u.path)
	if err != nil {
		return fmt.Errorf("read the users: %w", err)
	}
	listed, err := parseUsers(data)
	if err != nil {
		return fmt.Errorf("%s: %w", u.path, err)
	}
	known := map[string]r53server.User{u.administrator.AccessKeyID: u.administrator}
	for _, user := range listed {
		if user.AccessKeyID == u.administrator.AccessKeyID {
			return fmt.Errorf("%s: user %s has the access key of the administrator in credentials.json", u.path, user.Name)
		}
		known[user.AccessKeyID] = user
	}
	u.known = known
	u.logger.Info("users read", "file", u.path, "users", len(listed))
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		u.logger.Warn("the file of users is open to others than its owner", "file", u.path, "mode", mode)
	}
	return nil
}
