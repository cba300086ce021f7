package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reeflective/readline"
	"github.com/reeflective/readline/inputrc"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
	"github.com/keyreeve/keyreeve/policytests/report"
)

// TerminalConfig says how somebody at a terminal is served.
type TerminalConfig struct {
	History string // file; empty: what is typed is not kept
	Watch   bool   // the world's path is looked at for changes

	// Style tells how answers look, before each command, as terminals change
	// their width; nil: as Config.Style says.
	Style func() report.Style
}

// watchEvery is the time between two looks at a world that somebody edits.
const watchEvery = 250 * time.Millisecond

// A terminal reads commands from somebody at the process's terminal.
type terminal struct {
	session *Session
	shell   *readline.Shell
	out     io.Writer
	style   func() report.Style // may be nil
	notes   []string            // of the world, for the next command
	leaving atomic.Bool

	mu   sync.Mutex
	news func() string // takes up a version of the world that came in; nil: none did
}

// Terminal reads commands from the process's terminal and carries them out
// until they end: by quit, by Ctrl-D, or because ctx does. Answers go to
// Config.Out. Ctrl-C takes back the line at hand.
func (s *Session) Terminal(ctx context.Context, cfg TerminalConfig) error {
	t := &terminal{session: s, out: s.cfg.out(), style: cfg.Style}
	h, err := openHistory(cfg.History)
	if err != nil {
		t.say("note: %v", err)
	}
	if err := t.open(h); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var idle sync.WaitGroup
	defer idle.Wait()
	defer stop()
	if cfg.Watch && s.cfg.Path != "" {
		w, err := t.watcher()
		if err != nil {
			return err
		}
		idle.Go(func() { _ = w.Run(ctx) }) // ends with ctx, without an error
	}
	defer context.AfterFunc(ctx, t.leave)()
	t.say("%s", s.greeting())
	return t.loop(ctx)
}

// leave has the line at hand accepted as it is, so that loop comes to see that
// ctx is done; the first Enter may only close a list of candidates.
func (t *terminal) leave() {
	t.leaving.Store(true)
	t.shell.Keys.Feed(false, '\r', '\r')
	t.shell.Keys.RequestRefresh()
}

func (t *terminal) say(format string, args ...any) {
	_, _ = fmt.Fprintf(t.out, format+"\n", args...) // a terminal that is gone is told by the next read
}

func (s *Session) greeting() string {
	w := s.current.world
	text := fmt.Sprintf("%s in %s, %s. help tells the commands, Tab completes, Ctrl-D leaves.",
		plural(len(w.Principals()), "user or role", "users and roles"), plural(len(w.Accounts()), "account", "accounts"), plural(len(w.Keys()), "key", "keys"))
	lines := []string{s.faint(s.cfg.Style.Wrap(text, ""))}
	for _, n := range s.cfg.Notes {
		lines = append(lines, s.cfg.Style.Paint(report.Doubt, s.cfg.Style.Wrap("note: "+n, "")))
	}
	return strings.Join(lines, "\n")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// settings of the line editor: pasted text is taken as it is, also tabs and
// line ends; lines after the first are marked; Tab puts in what all candidates
// have in common and lists them, before it goes through them.
var settings = map[string]any{"enable-bracketed-paste": true, "multiline-column": true, "menu-complete-display-prefix": true}

func (t *terminal) open(h *history) error {
	t.shell = readline.NewShell()
	for name, value := range settings {
		if err := t.shell.Config.Set(name, value); err != nil {
			return fmt.Errorf("setting up the line editor: %s: %w", name, err)
		}
	}
	t.bindKeys()
	t.shell.Prompt.Primary(t.prompt)
	t.shell.Prompt.Secondary(func() string { return "… " })
	t.shell.AcceptMultiline = func(line []rune) bool {
		return t.leaving.Load() || !Pending(string(line)) || abandoned(string(line))
	}
	t.shell.Completer = t.complete
	t.shell.SyntaxHighlighter = t.highlight
	t.shell.History.Delete()
	t.shell.History.Add("keyreeve", h)
	return nil
}

// abandoned tells whether somebody ended a command that goes on by two empty
// lines, so that nobody is held in one that never ends.
func abandoned(text string) bool {
	lines := strings.Split(text, "\n")
	return len(lines) > 2 && strings.TrimSpace(lines[len(lines)-1]) == "" && strings.TrimSpace(lines[len(lines)-2]) == ""
}

// keyBindings are those that differ from the usual ones of the editor, where
// nobody's inputrc says otherwise: arrows move within an entry of several lines
// before they go through the history, and Tab shows what there is.
var keyBindings = []struct{ key, usual, action string }{
	{`\M-[A`, "previous-history", "up-line-or-history"}, {`\M-OA`, "previous-history", "up-line-or-history"},
	{`\M-[B`, "next-history", "down-line-or-history"}, {`\M-OB`, "next-history", "down-line-or-history"},
	{`\C-i`, "complete", "menu-complete"},
}

func (t *terminal) bindKeys() {
	for _, keymap := range []string{"emacs", "emacs-standard", "vi", "vi-insert", "vi-command", "vi-move"} {
		for _, a := range keyBindings {
			key := inputrc.Unescape(a.key)
			if bind, bound := t.shell.Config.Binds[keymap][key]; bound && bind.Action == a.usual {
				_ = t.shell.Config.Bind(keymap, key, a.action, false) // it was bound, so it can be
			}
		}
	}
}

// prompt tells the scene in a few words.
func (t *terminal) prompt() string {
	s := t.session
	text := "keyreeve"
	if s.state.scene.who != "" {
		text = s.state.scene.who
	}
	if s.state.scene.on != "" {
		text += " " + s.state.scene.on
	}
	if len(s.state.off) > 0 {
		text += " -" + strings.Join(s.state.off, " -")
	}
	if n := len(s.state.changes) + len(s.state.given); n > 0 {
		text += fmt.Sprintf(" +%d", n)
	}
	return s.cfg.Style.Paint(report.Hint, text) + s.faint("> ")
}

func (t *terminal) complete(line []rune, cursor int) readline.Completions {
	t.takeUp()
	all, part := t.session.Complete(string(line[:cursor]))
	values := make([]readline.Completion, len(all))
	for i, c := range all {
		values[i] = readline.Completion{Value: c.Value, Display: c.Value, Description: c.About}
		if !c.Open {
			values[i].Value += " "
		}
	}
	comps := readline.CompleteRaw(values).NoSort().DisplayList()
	comps.PREFIX = part
	return comps
}

// highlight marks what a line begins with.
func (t *terminal) highlight(line []rune) string {
	text := string(line)
	if !t.session.cfg.Style.Colour {
		return text
	}
	name, _ := cutWord(text)
	if _, known := commandNamed(name); !known || !strings.HasPrefix(text, name) {
		return text
	}
	return t.session.strong(name) + text[len(name):]
}

func (t *terminal) loop(ctx context.Context) error {
	for {
		line, err := t.shell.Readline()
		t.shell.Hint.ClearTransient()
		switch {
		case ctx.Err() != nil || errors.Is(err, io.EOF):
			return nil //nolint:nilerr // the end of the input, and of ctx, is the end of the session
		case errors.Is(err, readline.ErrInterrupt):
			continue
		case err != nil:
			return fmt.Errorf("reading from the terminal: %w", err)
		}
		t.takeUp()
		for _, note := range t.notes {
			t.say("%s", note)
		}
		t.notes = nil
		if t.carryOut(ctx, line) {
			return nil
		}
	}
}

// carryOut does what a line says, and tells whether the session is to end.
// Ctrl-C ends the command, not the session.
func (t *terminal) carryOut(ctx context.Context, line string) (quit bool) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	if t.style != nil {
		t.session.cfg.Style = t.style()
	}
	for _, c := range Split(line) {
		a, err := t.session.Eval(ctx, c)
		if ctx.Err() != nil {
			t.say("interrupted")
			return false
		}
		if err != nil {
			t.say("%s", t.session.cfg.Style.Paint(report.Bad, err.Error()))
			return false
		}
		if a.Text != "" {
			t.say("%s", a.Text)
		}
		if a.Quit {
			return true
		}
	}
	return false
}

// watcher looks for changes of the world on disk. What it finds is taken up
// between commands, as a session belongs to one goroutine.
func (t *terminal) watcher() (*world.Watcher, error) {
	s := t.session
	return world.NewWatcher(world.WatcherConfig{
		Path: s.cfg.Path, Every: watchEvery,
		Changed: func(*world.World, *world.World) {
			t.announce("the world changed on disk; the next command sees it", func() string { return t.reload() })
		},
		Refused: func(err error) {
			t.announce("the world on disk is wrong: "+err.Error(), func() string {
				return s.cfg.Style.Paint(report.Doubt, "the world on disk is wrong, so this session still has the one before: ") + err.Error()
			})
		},
		Restored: func(*world.World) {
			t.announce("the world on disk is in order again", func() string { return "" })
		},
	})
}

func (t *terminal) announce(hint string, news func() string) {
	t.mu.Lock()
	t.news = news
	t.mu.Unlock()
	t.shell.Hint.SetTransient(hint)
}

// takeUp takes what the watcher found, and notes what that was.
func (t *terminal) takeUp() {
	t.mu.Lock()
	news := t.news
	t.news = nil
	t.mu.Unlock()
	if news == nil {
		return
	}
	if note := news(); note != "" {
		t.notes = append(t.notes, note)
	}
}

func (t *terminal) reload() string {
	d, err := draft.Read(t.session.cfg.Path)
	if err != nil {
		return err.Error()
	}
	note, err := t.session.Reload(d)
	if err != nil {
		return "the world was not loaded again: " + err.Error()
	}
	return note
}
