// Package draft holds a world as files in memory, with changes to it that are
// on no disk.
package draft

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/engine/world"
)

// A Draft is the files of a world. It is immutable: a change makes another.
type Draft struct {
	files map[string][]byte // by name with slashes
}

// Limits on what is read: what a world may bring, in bytes and files.
const (
	maxFile  = 1 << 20
	maxTotal = 32 << 20
	maxFiles = 20_000
)

// Of makes a draft of files by name. The map is the draft's from now on.
func Of(files map[string][]byte) Draft { return Draft{files} }

// Read takes in the world at a path: a directory or a .txtar file, with all
// that lies in it, as case lines may name files that the world itself does not.
// What is larger than a world can be is left out of a directory.
func Read(name string) (Draft, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return Draft{}, fmt.Errorf("reading the world: %w", err)
	case info.IsDir():
		return readDirectory(name)
	case path.Ext(name) != ".txtar":
		return Draft{}, fmt.Errorf("reading the world: %s is neither a directory nor a .txtar file", name)
	case info.Size() > maxTotal:
		return Draft{}, fmt.Errorf("reading the world: %s is larger than %d bytes", name, maxTotal)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return Draft{}, fmt.Errorf("reading the world: %w", err)
	}
	return ofArchive(txtar.Parse(text))
}

func ofArchive(a *txtar.Archive) (Draft, error) {
	files := map[string][]byte{}
	for _, f := range a.Files {
		clean := path.Clean(f.Name)
		if _, twice := files[clean]; twice || !fs.ValidPath(clean) {
			return Draft{}, fmt.Errorf("reading the world: the archive has %s twice, or it leads out of the world", f.Name)
		}
		files[clean] = f.Data
	}
	return Draft{files}, nil
}

// errFull ends a walk through more than a world can be.
var errFull = errors.New("larger than a world can be")

func readDirectory(dir string) (Draft, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Draft{}, fmt.Errorf("reading the world: %w", err)
	}
	defer func() { _ = root.Close() }() // nothing was written
	files, size := map[string][]byte{}, 0
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !wanted(name):
			return nil
		}
		info, err := fs.Stat(root.FS(), name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
			return err
		}
		text, err := fs.ReadFile(root.FS(), name)
		if size += len(text); size > maxTotal || len(files) >= maxFiles {
			return errFull
		}
		files[name] = text
		return err
	})
	if err != nil {
		return Draft{}, fmt.Errorf("reading the world %s: %w", dir, err)
	}
	return Draft{files}, nil
}

// wanted tells whether a file can be part of a world, or of its cases.
func wanted(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json", ".cases"}, path.Ext(name))
}

// World reads the world that the files describe. What is wrong with it comes
// back as world.Problems.
func (d Draft) World() (*world.World, error) {
	files, err := d.FS()
	if err != nil {
		return nil, err
	}
	return world.LoadFS(files, nil)
}

// FS is the files as a file system.
func (d Draft) FS() (fs.FS, error) { return txtar.FS(d.Archive()) }

// Archive is the files as an archive, sorted by name.
func (d Draft) Archive() *txtar.Archive {
	a := &txtar.Archive{}
	for _, name := range d.Names() {
		a.Files = append(a.Files, txtar.File{Name: name, Data: d.files[name]})
	}
	return a
}

// Names lists the files, sorted.
func (d Draft) Names() []string { return slices.Sorted(maps.Keys(d.files)) }

// File returns the text of a file.
func (d Draft) File(name string) (string, bool) {
	text, found := d.files[name]
	return string(text), found
}

// With is the draft with a file, in the place of one of that name.
func (d Draft) With(name, text string) Draft {
	files := maps.Clone(d.files)
	files[name] = []byte(text)
	return Draft{files}
}

// Write puts the draft on disk: as one archive if the name ends in .txtar, else
// as a directory. Files are for their owner only, as worlds hold secrets.
// It overwrites nothing.
func (d Draft) Write(name string) error {
	if path.Ext(name) == ".txtar" {
		return create(name, txtar.Format(d.Archive()))
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		return err
	}
	for _, file := range d.Names() {
		to := filepath.Join(name, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := create(to, d.files[file]); err != nil {
			return err
		}
	}
	return nil
}

func create(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
