package guardrail

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	noDecrypting = "package keyreeve.guardrail\n\ndeny contains \"no decrypting\" if input.action == \"kms:Decrypt\"\n"
	noEncrypting = "package keyreeve.guardrail\n\ndeny contains \"no encrypting\" if input.action == \"kms:Encrypt\"\n"
	late         = "package keyreeve.guardrail\n\ndeny contains \"late\" if time.now_ns() > 0\n\ndeny contains \"lucky\" if rand.intn(\"x\", 2) == 1\n"
)

// watched is a Watcher of a fresh directory, with what it told.
type watched struct {
	*Watcher
	dir      string
	changes  int
	refused  []string
	restored int
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{dir: t.TempDir()}
	w.write(t, "g.rego", noDecrypting)
	var err error
	w.Watcher, err = NewWatcher(WatcherConfig{
		Dir:      w.dir,
		Changed:  func(s *Set) { w.changes++; assert.Same(t, s, w.Set()) },
		Refused:  func(err error) { w.refused = append(w.refused, err.Error()) },
		Restored: func(*Set) { w.restored++ },
	})
	require.NoError(t, err)
	return w
}

func (w *watched) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600))
}

func (w *watched) looks(n int) {
	for range n {
		w.Look()
	}
}

func TestChangeIsTakenUpWhenItHasSettled(t *testing.T) {
	w := watch(t)
	first := w.Set()
	w.looks(2)
	w.write(t, "g_test.rego", "package keyreeve.guardrail_test\n")
	w.looks(2)
	assert.Zero(t, w.changes, "tests do not count")
	w.write(t, "g.rego", noEncrypting)
	w.Look()
	assert.Same(t, first, w.Set(), "the files may not be complete yet")
	w.Look()
	assert.NotEqual(t, first.Digest, w.Set().Digest)
	w.write(t, "data.json", `{"keyreeve": {"guardrail": {"office": "10.0.0.0/8"}}}`)
	w.looks(2)
	assert.Equal(t, map[string]any{"office": "10.0.0.0/8"}, w.Set().Data())
	assert.Equal(t, 2, w.changes)
	assert.Empty(t, w.refused)
}

func TestVersionThatIsNotAcceptedIsRefusedOnceAndTheOldOneServes(t *testing.T) {
	w := watch(t)
	first := w.Set()
	w.write(t, "g.rego", late)
	w.looks(4)
	require.Len(t, w.refused, 2, "each fault alone")
	assert.Contains(t, w.refused[0], filepath.Join(w.dir, "g.rego")+":3: time.now_ns depends on network, clock or chance")
	assert.Contains(t, w.refused[1], filepath.Join(w.dir, "g.rego")+":5: rand.intn")
	assert.Same(t, first, w.Set())

	w.write(t, "g.rego", noDecrypting)
	w.looks(2)
	assert.Equal(t, 1, w.restored)
	w.write(t, "g.rego", late)
	w.looks(2)
	assert.Len(t, w.refused, 4, "what comes back is refused again")

	require.NoError(t, os.RemoveAll(w.dir))
	w.looks(3)
	require.Len(t, w.refused, 5, "guardrails that are taken away are no guardrails that allow")
	assert.Same(t, first, w.Set())
	assert.Zero(t, w.changes)
}

func TestRunLooksUntilItsContextEnds(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "g.rego")
	require.NoError(t, os.WriteFile(file, []byte(noDecrypting), 0o600))
	changed := make(chan *Set)
	w, err := NewWatcher(WatcherConfig{Dir: dir, Every: time.Millisecond, Changed: func(s *Set) { changed <- s }})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	require.NoError(t, os.WriteFile(file, []byte(noEncrypting), 0o600))
	assert.Same(t, <-changed, w.Set())
	cancel()
	require.NoError(t, <-done)
}

func TestWatcherNeedsGuardrailsToBeginWith(t *testing.T) {
	_, err := NewWatcher(WatcherConfig{Dir: t.TempDir()})
	require.Error(t, err)
	_, err = NewWatcher(WatcherConfig{Dir: "nowhere"})
	require.Error(t, err)
}
