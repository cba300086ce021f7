package lsp

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Bounds on what is held.
const (
	maxDocument  = 4 << 20
	maxDocuments = 500
)

// A document is one that is open. It is never changed, but replaced.
type document struct {
	uri     string
	path    string // on disk; of what is not there a name
	saved   bool   // the path is one on disk
	version int
	text    text
}

// documents are those that are open, by URI.
type documents map[string]*document

func newDocument(uri string, version int, body string) *document {
	name, saved := pathOf(uri)
	return &document{uri: uri, path: name, saved: saved, version: version, text: newText(body)}
}

// pathOf is the path of a file URI; of another a name, and false.
func pathOf(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Path == "" {
		return path.Base(uri), false
	}
	name := u.Path
	if runtime.GOOS == "windows" && len(name) > 2 && name[0] == '/' && name[2] == ':' {
		name = name[1:]
	}
	return filepath.Clean(filepath.FromSlash(name)), true
}

// uriOf is the URI of a path.
func uriOf(name string) string {
	name = filepath.ToSlash(name)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	return (&url.URL{Scheme: "file", Path: name}).String()
}

func (s *server) opened(m message) error {
	var p openParams
	if err := decodeParams(m, &p); err != nil {
		return err
	}
	return s.hold(newDocument(p.Document.URI, p.Document.Version, p.Document.Text))
}

// hold takes the place of the document of that URI.
func (s *server) hold(d *document) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(d.text.body) > maxDocument:
		delete(s.docs, d.uri) // what would be said of an older version is wrong
		return fmt.Errorf("%s is larger than %d bytes, so nothing is said about it", d.path, maxDocument)
	case s.docs[d.uri] == nil && len(s.docs) >= maxDocuments:
		return fmt.Errorf("more than %d documents are open, so nothing is said about %s", maxDocuments, d.path)
	}
	s.docs[d.uri] = d
	s.work.hurry()
	return nil
}

func (s *server) changed(m message) error {
	var p changeParams
	if err := decodeParams(m, &p); err != nil {
		return err
	}
	s.mu.Lock()
	d := s.docs[p.Document.URI]
	s.mu.Unlock()
	if d == nil {
		return nil
	}
	next := *d
	for _, c := range p.Changes {
		if next.text = next.text.changed(c.Range, c.Text); len(next.text.body) > maxDocument {
			break
		}
	}
	if p.Document.Version != nil {
		next.version = *p.Document.Version
	}
	return s.hold(&next)
}

func (s *server) closed(m message) error {
	var p documentParams
	if err := decodeParams(m, &p); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.docs, p.Document.URI)
	delete(s.found, p.Document.URI)
	s.mu.Unlock()
	s.notify("textDocument/publishDiagnostics", published{URI: p.Document.URI, Diagnostics: []diagnostic{}})
	s.work.hurry()
	return nil
}

// A part is a stretch of a document that is a file: all of it, or a member of
// an archive.
type part struct {
	name       string // of the file, in the archive if it is in one
	begin, end int
}

// parts are the files that a document is made of.
func (d *document) parts() []part {
	if path.Ext(d.path) != ".txtar" {
		return []part{{name: d.path, end: len(d.text.body)}}
	}
	var all []part
	for i, begin := range d.text.lines {
		inner, marked := strings.CutPrefix(d.text.line(i), "-- ")
		name, closed := strings.CutSuffix(inner, " --")
		if name = strings.TrimSpace(name); !marked || !closed || name == "" {
			continue
		}
		if len(all) > 0 {
			all[len(all)-1].end = begin
		}
		after := len(d.text.body)
		if i+1 < len(d.text.lines) {
			after = d.text.lines[i+1]
		}
		all = append(all, part{name, after, len(d.text.body)})
	}
	return all
}

// partAt is the file around an offset.
func (d *document) partAt(offset int) (part, bool) {
	all := d.parts()
	i := slices.IndexFunc(all, func(p part) bool { return p.begin <= offset && offset <= p.end })
	if i < 0 {
		return part{}, false
	}
	return all[i], true
}

func (d *document) textOf(p part) string { return d.text.body[p.begin:p.end] }

// isCases tells whether a file holds cases.
func (p part) isCases() bool {
	return path.Ext(p.name) == ".cases" || p.isStructured()
}

// isStructured tells whether a file holds cases in YAML or JSON.
func (p part) isStructured() bool {
	ext := path.Ext(p.name)
	return slices.Contains([]string{".yaml", ".yml", ".json"}, ext) && path.Ext(strings.TrimSuffix(p.name, ext)) == ".cases"
}

func (p part) isJSON() bool { return path.Ext(p.name) == ".json" && !p.isCases() }
