package lsp

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/overlay"
	"github.com/keyreeve/keyreeve/policytests/query"
)

// A view is what a request sees: the documents as they were when it came. It
// may be used by one goroutine beside others that have views of their own.
type view struct {
	*server
	docs  documents
	stamp string // the same for views that see the same
}

// viewLocked is called with mu held.
func (s *server) viewLocked() *view {
	v := &view{server: s, docs: maps.Clone(s.docs)}
	var b strings.Builder
	fmt.Fprintf(&b, "%d", s.epoch)
	for _, uri := range slices.Sorted(maps.Keys(v.docs)) {
		fmt.Fprintf(&b, " %s@%d:%p", uri, v.docs[uri].version, v.docs[uri])
	}
	v.stamp = b.String()
	return v
}

// texts are the documents that are files, by path.
func (v *view) texts() overlay.Texts {
	open := map[string][]byte{}
	for _, d := range v.docs {
		if d.saved {
			open[d.path] = []byte(d.text.body)
		}
	}
	return func(name string) ([]byte, bool) {
		text, ok := open[filepath.Clean(name)]
		return text, ok
	}
}

// worldOf is the world that a document lies in: itself, if it is an archive
// that describes one, or a directory around it. Empty if there is none.
func (d *document) worldOf() string {
	if path.Ext(d.path) == ".txtar" {
		if slices.ContainsFunc(d.parts(), func(p part) bool { return isMain(p.name) }) {
			return d.path
		}
		return ""
	}
	if !d.saved {
		return ""
	}
	for dir := filepath.Dir(d.path); ; dir = filepath.Dir(dir) {
		if describesWorld(dir) {
			return dir
		}
		if filepath.Dir(dir) == dir {
			return ""
		}
	}
}

// mains are the files that make a directory a world.
var mains = []string{"world.yaml", "world.yml", "world.json"}

func isMain(name string) bool { return slices.Contains(mains, name) }

func describesWorld(dir string) bool {
	return slices.ContainsFunc(mains, func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.Mode().IsRegular()
	})
}

// A loaded world is one that was right when it was looked at.
type loaded struct {
	stamp string // of the view that saw it last; empty: what is on disk
	world *world.World
}

// world loads the world that a document lies in, as it is now. It is nil if
// there is none, or if it is broken: diagnostics say how.
func (v *view) world(d *document) *world.World {
	name := d.worldOf()
	if name == "" {
		return nil
	}
	v.mu.Lock()
	have := v.worlds[name]
	v.mu.Unlock()
	if have.world != nil && have.stamp == v.stamp {
		return have.world
	}
	w, err := v.texts().World(name)
	if err != nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.worlds) >= maxDocuments {
		clear(v.worlds)
	}
	v.worlds[name] = loaded{v.stamp, w}
	return w
}

// names is the world that a document lies in as it was when it was last right,
// or else as it is on disk: for what must also work while a policy is being
// typed. It is nil if there is none.
func (v *view) names(d *document) *world.World {
	if w := v.world(d); w != nil {
		return w
	}
	name := d.worldOf()
	v.mu.Lock()
	have := v.worlds[name].world
	v.mu.Unlock()
	if have != nil || name == "" {
		return have
	}
	w, err := world.Load(name, nil)
	if err != nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.worlds[name] = loaded{"", w}
	return w
}

// base is what questions about the world of a document are put to; nil if there
// is no world.
func (v *view) base(d *document) *query.Base {
	w := v.world(d)
	if w == nil {
		return nil
	}
	name := d.worldOf()
	files, err := v.texts().Files(name)
	if err != nil {
		return nil
	}
	engine, err := v.engine()
	if err != nil {
		return nil
	}
	base, err := query.New(query.Config{World: w, Engine: engine, Files: files, Path: name})
	if err != nil {
		return nil
	}
	return base
}

// asker names what is in the world of a document; nil if there is no world.
func (v *view) asker(d *document) *policytests.Asker {
	w := v.names(d)
	if w == nil {
		return nil
	}
	engine, err := v.engine()
	if err != nil {
		return nil
	}
	a, err := policytests.NewAsker(policytests.Config{World: w, Engine: engine, Now: policytests.DefaultTime})
	if err != nil {
		return nil
	}
	return a
}

// A reported is the outcome of the cases of a document.
type reported struct {
	stamp  string
	report policytests.Report
	err    error // there is no report
}

// run decides the cases of a document, unless that was done for the same view.
func (v *view) run(ctx context.Context, d *document) (policytests.Report, error) {
	if !d.saved {
		return policytests.Report{}, fmt.Errorf("%s is not saved yet, so it lies in no world", d.path)
	}
	v.mu.Lock()
	have, ok := v.reports[d.path]
	v.mu.Unlock()
	if ok && have.stamp == v.stamp {
		return have.report, have.err
	}
	engine, err := v.engine()
	if err != nil {
		return policytests.Report{}, fmt.Errorf("starting the decision engine: %w", err)
	}
	report, err := policytests.Run(ctx, []string{d.path}, policytests.Options{Engine: engine, Open: v.texts(), Workers: 2})
	if len(report.Problems) > 0 {
		err = nil // they are in the report
	}
	if ctx.Err() != nil {
		return report, ctx.Err()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.reports) >= maxDocuments {
		clear(v.reports)
	}
	v.reports[d.path] = reported{v.stamp, report, err}
	return report, err
}
