package examples

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed all:starter
var starter embed.FS

// WriteStarter writes the world that people start from, with its cases and a
// workflow that checks them, to a directory, which it makes if need be, and
// answers with the names of the files. If one of them is there already nothing
// is written, and the error is fs.ErrExist.
func WriteStarter(dir string) ([]string, error) {
	files, err := fs.Sub(starter, "starter")
	if err != nil {
		return nil, err
	}
	var names, taken []string
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		names = append(names, name)
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			taken = append(taken, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(taken) > 0 {
		return nil, fmt.Errorf("in %s: %s: %w", dir, strings.Join(taken, ", "), fs.ErrExist)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		if err := writeNew(filepath.Join(dir, filepath.FromSlash(name)), text); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// writeNew makes a file that others may read, as policies are no secrets.
func writeNew(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
