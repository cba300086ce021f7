package policytests

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/overlay"
)

// A place is a world with the cases that are about it.
type place struct {
	path  string // of the world: a directory or a .txtar file
	files fs.FS  // what lies in it
	cases []caseFile
	open  overlay.Texts
}

// A caseFile is a file of cases as it lies in a world.
type caseFile struct {
	name   string // in the world
	shown  string // to people: the file on disk
	offset int    // lines of that file before the text
	text   string
}

// casesSuffix is that of files of cases; structured ones have one more.
const casesSuffix = ".cases"

// isCases tells whether a file holds cases: x.cases, x.cases.yaml, x.cases.yml
// or x.cases.json.
func isCases(name string) bool {
	switch ext := path.Ext(name); ext {
	case casesSuffix:
		return true
	case ".yaml", ".yml", ".json":
		return path.Ext(strings.TrimSuffix(name, ext)) == casesSuffix
	}
	return false
}

// parse reads the cases of a file.
func (f caseFile) parse() (caseline.File, error) {
	if path.Ext(f.name) == casesSuffix {
		return caseline.Parse(f.shown, f.text, f.offset)
	}
	// The line numbers of an archive come before those of its part.
	return caseline.ParseStructured(f.shown, []byte(strings.Repeat("\n", f.offset)+f.text))
}

// find lists the worlds with cases below paths, each once.
func find(paths []string, open overlay.Texts) ([]place, error) {
	var places []place
	seen := map[string]int{}
	for _, p := range paths {
		found, err := findIn(filepath.Clean(p), open)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s has no cases: they lie in a world, in files called *%s; keyreeve test --grammar shows how they are written", p, casesSuffix)
		}
		for _, f := range found {
			if i, again := seen[f.path]; again {
				places[i].merge(f.cases)
				continue
			}
			seen[f.path] = len(places)
			places = append(places, f)
		}
	}
	return places, nil
}

func (p *place) merge(files []caseFile) {
	for _, f := range files {
		if !slices.ContainsFunc(p.cases, func(have caseFile) bool { return have.name == f.name }) {
			p.cases = append(p.cases, f)
		}
	}
}

func findIn(name string, open overlay.Texts) ([]place, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return findBelow(name, open)
	case path.Ext(name) == ".txtar":
		return archive(name, open)
	case isCases(filepath.ToSlash(name)):
		return around(name, open)
	}
	return nil, fmt.Errorf("%s is no world and no file of cases: name a directory, a .txtar file or a .cases file", name)
}

// findBelow finds the worlds in a directory. A directory that describes a world
// is one with all below it.
func findBelow(dir string, open overlay.Texts) ([]place, error) {
	if describesWorld(dir) {
		return directory(dir, open)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []place
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		var found []place
		var err error
		switch {
		case strings.HasPrefix(e.Name(), "."):
			continue
		case e.IsDir():
			found, err = findBelow(name, open)
		case path.Ext(name) == ".txtar":
			found, err = archive(name, open)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// describesWorld tells whether a directory holds a file that says what is in a
// world.
func describesWorld(dir string) bool {
	for _, name := range []string{"world.yaml", "world.yml", "world.json"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// directory is a world that is a directory.
func directory(dir string, open overlay.Texts) ([]place, error) {
	p := place{path: dir, files: open.Dir(dir), open: open}
	err := fs.WalkDir(p.files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isCases(name) {
			return err
		}
		text, err := fs.ReadFile(p.files, name)
		p.cases = append(p.cases, caseFile{name: name, shown: filepath.Join(dir, filepath.FromSlash(name)), text: string(text)})
		return err
	})
	if err != nil || len(p.cases) == 0 {
		return nil, err
	}
	return []place{p}, nil
}

// archive is a world that is one .txtar file.
func archive(name string, open overlay.Texts) ([]place, error) {
	text, err := open.Read(name)
	if err != nil {
		return nil, err
	}
	a := txtar.Parse(text)
	files, err := txtar.FS(a)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	p := place{path: name, files: files, open: open}
	line := strings.Count(string(a.Comment), "\n")
	for _, f := range a.Files {
		line++ // the marker
		if isCases(f.Name) {
			p.cases = append(p.cases, caseFile{name: path.Clean(f.Name), shown: name, offset: line, text: string(f.Data)})
		}
		line += strings.Count(string(f.Data), "\n")
	}
	if len(p.cases) == 0 {
		return nil, nil
	}
	return []place{p}, nil
}

// around is a single file of cases with the world that it lies in.
func around(name string, open overlay.Texts) ([]place, error) {
	for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
		if describesWorld(dir) {
			text, err := open.Read(name)
			if err != nil {
				return nil, err
			}
			inside, err := filepath.Rel(dir, name)
			if err != nil {
				return nil, err
			}
			file := caseFile{name: filepath.ToSlash(inside), shown: name, text: string(text)}
			return []place{{path: dir, files: open.Dir(dir), cases: []caseFile{file}, open: open}}, nil
		}
		if parent := filepath.Dir(dir); parent == dir {
			return nil, fmt.Errorf("%s lies in no world: no world.yaml beside or above it", name)
		}
	}
}

// shown is a file of the world as people find it.
func (p place) shown(file string) string {
	if path.Ext(p.path) == ".txtar" {
		return p.path + ": " + file
	}
	return filepath.Join(p.path, filepath.FromSlash(file))
}

// Worlds lists the worlds with cases below paths: the directories and .txtar
// files that Run reads.
func Worlds(paths []string) ([]string, error) {
	places, err := find(paths, nil)
	worlds := make([]string, len(places))
	for i, p := range places {
		worlds[i] = p.path
	}
	return worlds, err
}

// open loads the world.
func (p place) load(o Options) (*Asker, error) {
	w, err := p.open.World(p.path)
	if err != nil {
		return nil, err
	}
	return NewAsker(Config{World: w, Files: p.files, Engine: o.Engine, Now: o.Now})
}
