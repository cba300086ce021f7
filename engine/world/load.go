package world

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// Load reads a world from a directory or from one .txtar file. FORMAT.md
// describes both. What is wrong with the world comes back as Problems, all of
// them. Principals without an id of their own get one from ids, or one that
// is derived from their ARN when ids is nil.
func Load(path string, ids IDs) (*World, error) {
	src, err := readSource(path)
	if err != nil {
		return nil, err
	}
	return newLoader(src).load(ids)
}

// LoadFS reads a world from a file system, such as an embedded one.
func LoadFS(fsys fs.FS, ids IDs) (*World, error) {
	src, err := readFS(fsys)
	if err != nil {
		return nil, err
	}
	return newLoader(src).load(ids)
}

// defaultRegion is where the service runs in a world that names no Region.
const defaultRegion = "us-east-1"

// A loader gathers what the files say. References are followed after the last
// file was read, so that the order of files and fields does not matter.
type loader struct {
	src      *source
	world    *World
	problems Problems
	places   map[string]value // where a field that may stand once stands
	taken    map[string]value // ids and aliases of which there can be one
	read     map[string]bool  // policy files referred to
	follow   []func()
	finish   []func()
}

func newLoader(src *source) *loader {
	return &loader{
		src:    src,
		places: make(map[string]value),
		taken:  make(map[string]value),
		read:   make(map[string]bool),
		world: &World{
			partition:  "aws",
			digest:     src.digest(),
			accounts:   make(map[string]*Account),
			accessKeys: make(map[string]AccessKey),
			byARN:      make(map[string]Principal),
			byID:       make(map[string]Principal),
			managed:    make(map[string]*Policy),
		},
	}
}

func (l *loader) report(p Problem) { l.problems = append(l.problems, p) }

// later runs f when all files have been read.
func (l *loader) later(f func()) { l.follow = append(l.follow, f) }

// last runs f when all is found right and every principal has its id.
func (l *loader) last(f func()) { l.finish = append(l.finish, f) }

func (l *loader) load(ids IDs) (*World, error) {
	documents := l.documents()
	for _, d := range documents {
		d.preamble()
	}
	if len(l.world.regions) == 0 {
		l.world.regions = []string{defaultRegion}
	}
	l.loadShippedPolicies()
	for _, d := range documents {
		d.fields(l.sections())
	}
	for i := 0; i < len(l.follow); i++ { // following a reference may find another
		l.follow[i]()
	}
	l.checkWhole()
	if len(l.problems) > 0 {
		return nil, l.problems.sorted()
	}
	if err := l.assignIDs(ids); err != nil {
		return nil, err
	}
	for _, f := range l.finish {
		f()
	}
	l.world.loose = l.loose()
	return l.world, nil
}

// documents parses the files that describe the world.
func (l *loader) documents() []value {
	var all []value
	for _, name := range l.src.names() {
		if !describes(name) {
			continue
		}
		node, err := parseDocument(name, l.src.files[name])
		var p Problem
		switch {
		case errors.As(err, &p):
			l.report(p)
		case node != nil:
			all = append(all, value{l: l, file: name, node: node})
		}
	}
	return all
}

// preamble reads what all ARNs are made of, before anything else.
func (v value) preamble() {
	w := v.l.world
	if part := v.child("partition"); part != nil {
		once(textInto(&w.partition, oneOf(policy.Partitions...)))(*part)
	}
	if part := v.child("regions"); part != nil {
		once(textsInto(&w.regions, isRegion))(*part)
		if len(w.regions) == 0 {
			part.failf("a world has at least one Region")
		}
	}
}

// sections is the table of what may stand at the top of a file.
func (l *loader) sections() table {
	known := func(value) {} // read by preamble
	return table{
		"version":              textInto(new(string), oneOf("1")),
		"partition":            known,
		"regions":              known,
		"aws-managed-policies": named(func(name string, v value) { l.managedPolicy("", name, v) }),
		"accounts":             l.accounts,
		"organization":         once(l.organization),
		"endpoints":            named(l.endpoint),
		"services":             named(l.service),
		"settings":             once(l.settings),
	}
}

// once reads a field that may stand in one file only.
func once(read func(value)) func(value) {
	return func(v value) {
		if v.first() {
			read(v)
		}
	}
}

// named reads a mapping of named things. The mapping may be spread over files,
// a thing may not.
func named(read func(name string, v value)) func(value) {
	return func(v value) {
		for _, e := range v.entries() {
			switch {
			case e.node.Tag == "!!null":
				e.failf("has no value; give it one or leave it out")
			case e.first():
				read(e.key.Value, e)
			}
		}
	}
}

// first tells whether this is the first place where the field stands.
func (v value) first() bool {
	if place, ok := v.l.places[v.field]; ok {
		v.keyFailf("is already given at %s:%d", place.file, place.key.Line)
		return false
	}
	v.l.places[v.field] = v
	return true
}

// assignIDs gives each principal its unique id and indexes it.
func (l *loader) assignIDs(ids IDs) error {
	if ids == nil {
		ids = DigestIDs{}
	}
	for _, arn := range slices.Sorted(maps.Keys(l.world.byARN)) {
		p := l.world.byARN[arn]
		if p.PrincipalID() == "" {
			id, err := ids.UniqueID(arn)
			if err != nil {
				return fmt.Errorf("finding the unique id of %s: %w", arn, err)
			}
			setID(p, id)
		}
		id := p.PrincipalID()
		if wrongID(p) != "" {
			return fmt.Errorf("the unique id of %s has the wrong form: %q", arn, id)
		}
		if other, taken := l.world.byID[id]; taken {
			return Problems{{Message: fmt.Sprintf("%s and %s have the same unique id %s", other.PrincipalARN(), arn, id)}}
		}
		l.world.byID[id] = p
	}
	if f, ok := ids.(Forgetter); ok {
		if err := f.Forget(l.world.Principals()); err != nil {
			return fmt.Errorf("forgetting the unique ids of removed principals: %w", err)
		}
	}
	return nil
}

func setID(p Principal, id string) {
	switch p := p.(type) {
	case *User:
		p.ID = id
	case *Role:
		p.ID = id
	}
}

func wrongID(p Principal) string {
	if _, ok := p.(*Role); ok {
		return isRoleID(p.PrincipalID())
	}
	return isUserID(p.PrincipalID())
}

// loose lists JSON files that were never referred to.
func (l *loader) loose() []string {
	var names []string
	for _, name := range l.src.names() {
		if !describes(name) && !l.read[name] {
			names = append(names, name)
		}
	}
	return names
}
