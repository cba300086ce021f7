package extract

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds the bytes of one file: plans of large estates have tens of
// megabytes.
const maxFile = 64 << 20

// Paths finds the policies below paths: files, directories, worlds, and
// standard input as "-". A path that does not exist is an error; a file that
// cannot be read as what it is, is among Found.Errors.
func Paths(paths []string, o Options) (*Found, error) {
	found := &Found{}
	seen := map[string]bool{}
	for _, p := range paths {
		w := &walker{options: o, found: found, seen: seen}
		if err := w.path(p); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Text finds the policies of one text that is called name.
func Text(name string, text []byte, o Options) *Found {
	found := &Found{}
	w := &walker{options: o, found: found, seen: map[string]bool{}}
	w.source(&Source{Name: name, Text: text}, true)
	return found
}

// A walker visits files, each once.
type walker struct {
	options Options
	found   *Found
	seen    map[string]bool
}

func (w *walker) path(name string) error {
	if name == "-" {
		return w.stdin()
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return w.directory(filepath.Clean(name))
	case isMain(filepath.Base(name)) && w.describesWorld(filepath.Dir(name)):
		return w.directory(filepath.Dir(name))
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file", name)
	}
	return w.file(filepath.Clean(name), true)
}

func (w *walker) stdin() error {
	if w.options.Stdin == nil {
		return errors.New("there is no standard input")
	}
	text, err := io.ReadAll(io.LimitReader(w.options.Stdin, maxFile+1))
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	w.source(&Source{Name: "-", Text: text}, true)
	return nil
}

// mains are the files that make a directory a world.
var mains = []string{"world.yaml", "world.yml", "world.json"}

func isMain(name string) bool { return slices.Contains(mains, name) }

// describesWorld tells whether a directory is a world.
func (w *walker) describesWorld(dir string) bool {
	return slices.ContainsFunc(mains, func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.Mode().IsRegular()
	})
}

// skipped are directories of other tools, which hold copies.
func skipped(name string) bool {
	return strings.HasPrefix(name, ".") && name != "." && name != ".." || name == "node_modules"
}

func (w *walker) directory(dir string) error {
	if w.describesWorld(dir) {
		return w.world(dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		switch {
		case skipped(e.Name()):
		case e.IsDir():
			err = w.directory(name)
		case regular(name):
			if wanted(e.Name()) {
				err = w.file(name, false)
			}
		default:
			w.passed(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// passed tells of what a directory holds that is neither a file nor a
// directory: links to directories are not followed, since they may lead
// anywhere, and nothing else can be read. What is named as a policy must be one.
func (w *walker) passed(name string) {
	shown := filepath.ToSlash(name)
	info, err := os.Stat(name)
	_, told := KindOfFile(name)
	switch {
	case err == nil && info.IsDir():
		w.found.Notes = append(w.found.Notes, Error{File: shown, Message: "a link to a directory, which is not followed: name what it leads to in order to lint that too"})
		return
	case !wanted(path.Base(shown)):
		return
	}
	e := Error{File: shown, Message: "no regular file, so not read"}
	if err != nil {
		e.Message = "a link that leads nowhere"
	}
	if told {
		w.found.Errors = append(w.found.Errors, e)
		return
	}
	w.found.Notes = append(w.found.Notes, e)
}

// regular tells whether a name leads to a file, if need be over a link.
func regular(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// wanted tells whether a file found in a directory may hold policies.
func wanted(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".json", ".yaml", ".yml", ".template", ".txtar":
		return !strings.HasPrefix(name, ".")
	}
	return false
}

func (w *walker) file(name string, asked bool) error {
	if w.seen[name] {
		return nil
	}
	w.seen[name] = true
	source, err := w.load(name)
	if err != nil {
		return err
	}
	if source != nil {
		w.source(source, asked)
	}
	return nil
}

// load reads a file; nil if it is too large, which it notes.
func (w *walker) load(name string) (*Source, error) {
	if w.options.Read != nil {
		w.options.Read(name)
	}
	if w.options.Open != nil {
		if text, open := w.options.Open(name); open {
			return &Source{Name: filepath.ToSlash(name), Path: name, Text: text}, nil
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > maxFile {
		w.found.Errors = append(w.found.Errors, Error{File: filepath.ToSlash(name), Message: fmt.Sprintf("larger than %d bytes", maxFile)})
		return nil, nil
	}
	return &Source{Name: filepath.ToSlash(name), Path: name, Text: text}, nil
}

// source finds the policies of one file.
func (w *walker) source(s *Source, asked bool) {
	found := &Found{}
	if strings.EqualFold(path.Ext(s.Name), ".txtar") {
		w.archive(s, found)
	} else {
		(&reader{source: s, options: w.options, found: found, asked: asked}).read()
	}
	found.sort()
	w.take(found)
}

func (w *walker) take(found *Found) {
	files := map[string]bool{}
	for _, p := range found.Policies {
		files[p.File] = true
	}
	found.Files = len(files)
	w.found.add(found)
}

// world finds the policies of a world in a directory.
func (w *walker) world(dir string) error {
	found := &Found{Worlds: []string{filepath.ToSlash(dir)}}
	world := &worldReader{path: filepath.ToSlash(dir), options: w.options, found: found, sources: map[string]*Source{}}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != dir && skipped(d.Name()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case !regular(name):
			w.passed(name)
			return nil
		case path.Ext(name) != ".json" && !describes(name) || w.seen[name]:
			return nil
		}
		w.seen[name] = true
		source, err := w.load(name)
		if err != nil || source == nil {
			return err
		}
		inside, err := filepath.Rel(dir, name)
		world.add(filepath.ToSlash(inside), source)
		return err
	})
	if err != nil {
		return err
	}
	world.read()
	w.take(found)
	return nil
}

func (w *worldReader) add(name string, s *Source) {
	if w.sources[name] == nil {
		w.names = append(w.names, name)
	}
	w.sources[name] = s
}

// archive finds the policies of a world, or of loose files, in a txtar file.
func (w *walker) archive(s *Source, found *Found) {
	world := &worldReader{path: s.Name, options: w.options, found: found, sources: map[string]*Source{}}
	for _, m := range archiveMembers(s) {
		world.add(m.member, m)
	}
	slices.Sort(world.names)
	if slices.ContainsFunc(world.names, isMain) {
		found.Worlds = append(found.Worlds, s.Name)
		world.read()
		return
	}
	for _, name := range world.names {
		if wanted(path.Base(name)) {
			(&reader{source: world.sources[name], options: w.options, found: found}).read()
		}
	}
}
