package guardrail

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/rego/follow"
)

// WatcherConfig says what to watch.
type WatcherConfig struct {
	Dir string // required, as in LoadDir

	// Every is the time between two looks; zero means one second.
	Every time.Duration

	// Changed is called after other guardrails have taken the place of the old
	// ones. Refused is called when a new version is not accepted, once for
	// each thing that is wrong with it. Restored is called when what was
	// refused was undone. All are called by Run, one at a time, and may be nil.
	Changed  func(*Set)
	Refused  func(error)
	Restored func(*Set)
}

// A Watcher keeps the guardrails of a directory up to date while Run runs. A
// version that is wrong changes nothing. Set is safe for concurrent use.
type Watcher struct{ *follow.Follower[*Set] }

// NewWatcher loads the guardrails.
func NewWatcher(c WatcherConfig) (*Watcher, error) {
	if c.Every <= 0 {
		c.Every = time.Second
	}
	followed, err := follow.New(follow.Config[*Set]{
		Read: c.read, Every: c.Every, Changed: c.changed, Refused: c.refuse, Restored: c.Restored,
	})
	if err != nil {
		return nil, err
	}
	return &Watcher{followed}, nil
}

// Set is the guardrails of now; never nil.
func (w *Watcher) Set() *Set { return w.Value() }

func (c WatcherConfig) read() (string, func() (*Set, error)) {
	return content(c.Dir), func() (*Set, error) { return LoadDir(c.Dir) }
}

func (c WatcherConfig) changed(_, next *Set) {
	if c.Changed != nil {
		c.Changed(next)
	}
}

func (c WatcherConfig) refuse(err error) {
	if c.Refused == nil {
		return
	}
	faults, ok := errors.AsType[Faults](err)
	if !ok {
		c.Refused(err)
	}
	for _, f := range faults {
		c.Refused(f)
	}
}

// content identifies what is in the files that LoadDir reads, or says why they
// cannot be read.
func content(dir string) string {
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !counts(entry.Name()) {
			return err
		}
		text, err := os.ReadFile(path)
		var lengths [16]byte
		binary.BigEndian.PutUint64(lengths[:], uint64(len(path)))
		binary.BigEndian.PutUint64(lengths[8:], uint64(len(text)))
		for _, part := range [][]byte{lengths[:], []byte(path), text} {
			_, _ = sum.Write(part) // a hash does not fail
		}
		return err
	})
	if err != nil {
		return fmt.Sprintf("unreadable: %v", err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// counts tells whether a file of this name is read.
func counts(name string) bool {
	if strings.HasSuffix(name, "_test.rego") {
		return false
	}
	return slices.Contains([]string{".rego", ".json", ".yaml", ".yml", ".manifest"}, filepath.Ext(name))
}
