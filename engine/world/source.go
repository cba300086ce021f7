package world

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Limits on what a world may bring, in bytes and files.
const (
	maxFile  = 1 << 20
	maxTotal = 32 << 20
	maxFiles = 20_000
)

// A source holds the files of a world as they were at one moment, by name with
// slashes: YAML and JSON, nothing else.
type source struct {
	files map[string][]byte
	size  int
}

// readSource takes in a directory or a txtar archive.
func readSource(name string) (*source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading world: %w", err)
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, fmt.Errorf("reading world: %w", err)
		}
		defer func() { _ = root.Close() }() // nothing was written
		return readFS(root.FS())
	}
	if path.Ext(name) != ".txtar" || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading world: %s is neither a directory nor a .txtar file", name)
	}
	if info.Size() > maxTotal {
		return nil, fmt.Errorf("reading world: %s is larger than %d bytes", name, maxTotal)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading world: %w", err)
	}
	return readArchive(text)
}

// readArchive reads a txtar archive: each file follows a line "-- NAME --", and
// what stands before the first is a comment.
func readArchive(text []byte) (*source, error) {
	s := &source{files: make(map[string][]byte)}
	seen := make(map[string]bool)
	name, begin, at := "", 0, 0
	for at < len(text) {
		end := at + 1 + bytes.IndexByte(text[at:], '\n')
		if end == at {
			end = len(text)
		}
		if next, marker := markerLine(text[at:end]); marker {
			if err := s.addMember(name, text[begin:at], seen); err != nil {
				return nil, err
			}
			name, begin = next, end
		}
		at = end
	}
	if err := s.addMember(name, text[begin:], seen); err != nil {
		return nil, err
	}
	return s, nil
}

// markerLine takes NAME out of "-- NAME --".
func markerLine(line []byte) (string, bool) {
	inner, ok := strings.CutPrefix(strings.TrimRight(string(line), "\r\n"), "-- ")
	if !ok {
		return "", false
	}
	name, ok := strings.CutSuffix(inner, " --")
	name = strings.TrimSpace(name)
	return name, ok && name != ""
}

func (s *source) addMember(member string, data []byte, seen map[string]bool) error {
	if member == "" {
		return nil
	}
	name := path.Clean(member)
	switch {
	case !fs.ValidPath(name):
		return Problems{{File: member, Message: "the name leads out of the world"}}
	case seen[name]:
		return Problems{{File: name, Message: "the archive has this file twice"}}
	case !wanted(name):
		return nil
	}
	seen[name] = true
	return s.add(name, data)
}

// readFS reads all wanted files below the root of fsys. Links are followed to
// files, which an os.Root confines to the directory, and not to directories.
func readFS(fsys fs.FS) (*source, error) {
	s := &source{files: make(map[string][]byte)}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != "." && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() || !wanted(name) {
			return nil
		}
		data, err := readFile(fsys, name)
		if err != nil {
			return err
		}
		return s.add(name, data)
	})
	if err != nil {
		var problems Problems
		if errors.As(err, &problems) {
			return nil, problems
		}
		return nil, fmt.Errorf("reading world: %w", err)
	}
	return s, nil
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return nil, Problems{{File: name, Message: "not a regular file"}}
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

func (s *source) add(name string, data []byte) error {
	if len(data) > maxFile {
		return Problems{{File: name, Message: fmt.Sprintf("larger than %d bytes", maxFile)}}
	}
	s.size += len(data)
	if s.size > maxTotal || len(s.files) >= maxFiles {
		return Problems{{File: name, Message: fmt.Sprintf("with this file the world has more than %d bytes or %d files", maxTotal, maxFiles)}}
	}
	s.files[name] = data
	return nil
}

// wanted tells whether a file can be part of a world. Files of cases lie beside
// it.
func wanted(name string) bool {
	switch ext := path.Ext(name); ext {
	case ".yaml", ".yml", ".json":
		return path.Ext(strings.TrimSuffix(name, ext)) != ".cases"
	}
	return false
}

// describes tells whether a file is read for what it says of the world. Other
// JSON files are policies, read where something refers to them.
func describes(name string) bool {
	base := path.Base(name)
	return path.Ext(name) != ".json" || base == "world.json" || strings.HasSuffix(base, ".world.json")
}

func (s *source) names() []string {
	names := make([]string, 0, len(s.files))
	for name := range s.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// digest identifies names and contents: each is preceded by its length.
func (s *source) digest() string {
	h := sha256.New()
	write := func(b []byte) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(b)))
		_, _ = h.Write(size[:]) // a hash never fails
		_, _ = h.Write(b)
	}
	for _, name := range s.names() {
		write([]byte(name))
		write(s.files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}
