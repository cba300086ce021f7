package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// styleOf is how text for people looks on w: as wide as the terminal, and in
// colour if it is one. NO_COLOR (https://no-color.org) and TERM=dumb turn
// colours off, CLICOLOR_FORCE turns them on where there is no terminal, and
// COLUMNS sets the width.
func styleOf(w io.Writer) report.Style {
	columns, live := size(w)
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		columns = n
	}
	forced := os.Getenv("CLICOLOR_FORCE") != "" && os.Getenv("CLICOLOR_FORCE") != "0"
	plain := os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
	return report.Style{Width: columns, Colour: !plain && (live || forced)}
}

// isTerminal tells whether somebody reads w as it is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// size is the width of a terminal; 0 where it is not known.
func size(w io.Writer) (columns int, live bool) {
	if !isTerminal(w) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(w.(*os.File).Fd()))
	if err != nil {
		columns = 0
	}
	return columns, true
}

// silence is how long a command works in silence.
const silence = time.Second

// A progress line tells on a terminal what a command does, if that takes longer
// than silence. It is safe for concurrent use.
type progress struct {
	w    io.Writer
	done chan struct{}
	idle sync.WaitGroup

	mu   sync.Mutex
	text string
}

// startProgress begins to tell what is done on w, or nothing if w is no
// terminal. The caller must call stop before it writes its results.
func startProgress(w io.Writer, what string) *progress {
	return newProgress(w, what, isTerminal(w), silence)
}

func newProgress(w io.Writer, what string, live bool, after time.Duration) *progress {
	p := &progress{w: w, done: make(chan struct{}), text: safetext.Text(what)}
	if live {
		p.idle.Go(func() { p.run(after) })
	}
	return p
}

// tell replaces what is told, such as "linting: 12 of 100 policies".
func (p *progress) tell(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = safetext.Text(fmt.Sprintf(format, args...))
}

// stop ends the line and takes it off the terminal.
func (p *progress) stop() {
	close(p.done)
	p.idle.Wait()
}

// redraw is the time between two drawings of the line.
const redraw = 200 * time.Millisecond

func (p *progress) run(after time.Duration) {
	timer := time.NewTimer(after)
	defer timer.Stop()
	drawn := false
	for {
		select {
		case <-p.done:
			if drawn {
				_, _ = io.WriteString(p.w, "\r\x1b[K") // a terminal that is gone needs no line
			}
			return
		case <-timer.C:
			drawn = true
			p.mu.Lock()
			text := p.text
			p.mu.Unlock()
			_, _ = fmt.Fprintf(p.w, "\r\x1b[K%s …", text) // as above
			timer.Reset(redraw)
		}
	}
}
