package repl

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxHistory is how many entries are kept.
const maxHistory = 2000

// A history is what was typed, the newest last: entries of several lines are
// one. It is kept in a file that only its owner can read, one JSON text a line.
type history struct {
	path    string // empty: not kept
	entries []string
}

// openHistory reads the file at path. The history that comes with an error can
// be used, and is not kept.
func openHistory(path string) (*history, error) {
	h := &history{}
	if path == "" {
		return h, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return h, fmt.Errorf("keeping the history: %w", err)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		h.path = path
		return h, nil
	}
	if err != nil {
		return h, fmt.Errorf("reading the history: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxScript)
	for lines.Scan() {
		var entry string
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry != "" { // what is no entry is left out
			h.entries = append(h.entries, entry)
		}
	}
	if err := lines.Err(); err != nil {
		return h, fmt.Errorf("reading the history %s: %w", path, err)
	}
	h.path = path
	if len(h.entries) > maxHistory {
		h.entries = h.entries[len(h.entries)-maxHistory:]
		return h, h.rewrite()
	}
	return h, os.Chmod(path, 0o600)
}

func (h *history) rewrite() error {
	var b strings.Builder
	for _, e := range h.entries {
		b.WriteString(historyLine(e))
	}
	return replace(h.path, []byte(b.String()), 0o600)
}

func historyLine(entry string) string {
	text, _ := json.Marshal(entry) // a string always has a JSON form
	return string(text) + "\n"
}

// Write adds an entry, unless it is the last one again.
func (h *history) Write(entry string) (int, error) {
	entry = strings.TrimSpace(entry)
	if n := len(h.entries); entry == "" || n > 0 && h.entries[n-1] == entry {
		return n, nil
	}
	h.entries = append(h.entries, entry)
	if h.path == "" {
		return len(h.entries), nil
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return len(h.entries), err
	}
	_, err = f.WriteString(historyLine(entry))
	return len(h.entries), errors.Join(err, f.Close())
}

// GetLine returns an entry.
func (h *history) GetLine(i int) (string, error) {
	if i < 0 || i >= len(h.entries) {
		return "", fmt.Errorf("the history has no entry %d", i)
	}
	return h.entries[i], nil
}

// Len is the number of entries.
func (h *history) Len() int { return len(h.entries) }

// Dump returns all entries.
func (h *history) Dump() any { return h.entries }
