package repl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// A Saved is what save answers.
type Saved struct {
	File string   `json:"file"`
	Line []string `json:"lines,omitempty"`
}

// save keeps a test, or the world with the session's changes.
func save(ctx context.Context, s *Session, rest string) (Answer, error) {
	what, after := cutWord(rest)
	to, after := cutWord(after)
	switch {
	case what == "test" && to != "":
		return s.saveTest(ctx, to, after)
	case what == "world" && to != "" && after == "":
		return s.saveWorld(to)
	}
	return Answer{}, misuse("save test NAME [REQUEST], or save world DIRECTORY (or a .txtar file)")
}

func (s *Session) saveWorld(to string) (Answer, error) {
	if len(s.state.off) > 0 {
		return Answer{}, misuse("layers are off, and the world would be saved without them; first: on %s", strings.Join(s.state.off, " "))
	}
	if len(s.state.given) > 0 {
		return Answer{}, misuse("what is given is no part of the world's files; first: given nothing")
	}
	if err := s.current.draft.Write(to); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return Answer{}, misuse("%s is there already; name a new directory or .txtar file", to)
		}
		return Answer{}, fmt.Errorf("writing the world: %w", err)
	}
	if s.cfg.Path == "" {
		s.cfg.Path = to
	}
	return Answer{Value: Saved{File: to}, Text: "wrote " + to}, nil
}

// saveTest appends the request with its answer of now to NAME.cases of the
// world.
func (s *Session) saveTest(ctx context.Context, name, rest string) (Answer, error) {
	file := strings.TrimSuffix(name, ".cases") + ".cases"
	switch {
	case s.cfg.Path == "":
		return Answer{}, misuse("this world is on no disk, so there is no place for tests; first: save world DIRECTORY")
	case !fs.ValidPath(file) || strings.ContainsAny(file, `\"`):
		return Answer{}, misuse("%s leads out of the world", name)
	case len(s.state.off) > 0:
		return Answer{}, misuse("layers are off, and a test sees all of them; first: on %s", strings.Join(s.state.off, " "))
	}
	rest = s.asLast(rest)
	_, all, err := s.ask(ctx, s.current, rest)
	if err != nil {
		return Answer{}, err
	}
	var lines []string
	for _, a := range all {
		lines = append(lines, caseLine(a.request.text, a.decision))
	}
	written := lines
	for i := len(s.state.given) - 1; i >= 0; i-- {
		written = append([]string{"given " + s.state.given[i]}, written...)
	}
	if len(s.state.given) > 0 {
		written = append(written, "given nothing")
	}
	where, err := s.append(file, strings.Join(written, "\n")+"\n")
	if err != nil {
		return Answer{}, fmt.Errorf("writing the test: %w", err)
	}
	text := s.faint(where+": ") + strings.Join(written, "\n")
	if note := s.onlyHere(ctx, rest, all); note != "" {
		text += "\n" + note
	}
	return Answer{Value: Saved{File: where, Line: lines}, Text: text}, nil
}

// caseLine is a request with what it answers.
func caseLine(request string, d decision.Decision) string {
	if d.Allowed {
		return "allow " + request + " because " + string(d.Layer)
	}
	return "deny  " + request + " because " + string(d.Reason) + " " + string(d.Layer)
}

// onlyHere notes that a saved answer depends on changes of the session.
func (s *Session) onlyHere(ctx context.Context, rest string, now []asked) string {
	if len(s.state.changes) == 0 {
		return ""
	}
	v, err := s.build(s.base, state{given: s.state.given})
	if err != nil {
		return ""
	}
	_, before, err := s.ask(ctx, v, rest)
	for i := range before {
		if err == nil && before[i].decision.Allowed != now[i].decision.Allowed {
			err = errors.New("another answer")
		}
	}
	if err == nil {
		return ""
	}
	return "it holds with the changes of this session only, which are on no disk yet: show changes lists them, save world keeps them"
}

// append adds lines to a file of the world on disk.
func (s *Session) append(file, lines string) (string, error) {
	if path.Ext(s.cfg.Path) == ".txtar" {
		return s.cfg.Path, s.appendToArchive(file, lines)
	}
	to := filepath.Join(s.cfg.Path, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return to, err
	}
	old, err := os.ReadFile(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return to, err
	}
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		lines = "\n" + lines
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return to, err
	}
	_, err = f.WriteString(lines)
	return to, errors.Join(err, f.Close())
}

func (s *Session) appendToArchive(file, lines string) error {
	text, err := os.ReadFile(s.cfg.Path)
	if err != nil {
		return err
	}
	info, err := os.Stat(s.cfg.Path)
	if err != nil {
		return err
	}
	a := txtar.Parse(text)
	for i := range a.Files {
		if path.Clean(a.Files[i].Name) == path.Clean(file) {
			a.Files[i].Data = append(a.Files[i].Data, lines...)
			return replace(s.cfg.Path, txtar.Format(a), info.Mode().Perm())
		}
	}
	a.Files = append(a.Files, txtar.File{Name: file, Data: []byte(lines)})
	return replace(s.cfg.Path, txtar.Format(a), info.Mode().Perm())
}

// replace writes a file whole or not at all.
func replace(name string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".keyreeve-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what failed is told
	}
	return err
}
