// Package overlay shows worlds as they would be if what an editor holds were saved.
package overlay

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/engine/world"
)

// Texts tells the text of a file that is open, and false for one that is not.
// Files that do not lie on disk yet are not asked for. It must be safe for
// concurrent use. A nil Texts has no file open.
type Texts func(file string) ([]byte, bool)

// Read is what a file holds.
func (t Texts) Read(file string) ([]byte, error) {
	if t != nil {
		if text, ok := t(file); ok {
			return text, nil
		}
	}
	return os.ReadFile(file)
}

// Files is what lies in a world: a directory, or a .txtar file.
func (t Texts) Files(world string) (fs.FS, error) {
	if path.Ext(world) != ".txtar" {
		return t.Dir(world), nil
	}
	text, err := t.Read(world)
	if err != nil {
		return nil, err
	}
	return txtar.FS(txtar.Parse(text))
}

// World loads a world. Where nothing is open it is world.Load.
func (t Texts) World(name string) (*world.World, error) {
	if t == nil {
		return world.Load(name, nil)
	}
	files, err := t.Files(name)
	if err != nil {
		return nil, err
	}
	return world.LoadFS(files, nil)
}

// Dir is a directory in which the files that are open have their texts.
func (t Texts) Dir(name string) fs.FS {
	if t == nil {
		return os.DirFS(name)
	}
	return dir{FS: os.DirFS(name), name: name, texts: t}
}

type dir struct {
	fs.FS
	name  string
	texts Texts
}

// Open opens a file, or what is open of it elsewhere.
func (d dir) Open(name string) (fs.File, error) {
	if fs.ValidPath(name) {
		if text, ok := d.texts(filepath.Join(d.name, filepath.FromSlash(name))); ok {
			return &file{name: path.Base(name), size: int64(len(text)), Reader: bytes.NewReader(text)}, nil
		}
	}
	return d.FS.Open(name)
}

// A file is a text as fs.File.
type file struct {
	*bytes.Reader
	name string
	size int64
}

func (f *file) Stat() (fs.FileInfo, error) { return info{f.name, f.size}, nil }
func (f *file) Close() error               { return nil }

type info struct {
	name string
	size int64
}

func (i info) Name() string     { return i.name }
func (i info) Size() int64      { return i.size }
func (info) Mode() fs.FileMode  { return 0o444 }
func (info) ModTime() time.Time { return time.Time{} }
func (info) IsDir() bool        { return false }
func (info) Sys() any           { return nil }
