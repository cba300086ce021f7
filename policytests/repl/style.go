package repl

import (
	"strings"

	"github.com/keyreeve/keyreeve/policytests/report"
)

func (s *Session) good(text string) string   { return s.cfg.Style.Paint(report.Good, text) }
func (s *Session) faint(text string) string  { return s.cfg.Style.Paint(report.Faint, text) }
func (s *Session) strong(text string) string { return s.cfg.Style.Paint(report.Strong, text) }

// verdict is allow or deny, both of one width.
func (s *Session) verdict(allowed bool) string {
	if allowed {
		return s.good("allow")
	}
	return s.cfg.Style.Paint(report.Bad, "deny ")
}

// table puts rows in columns below a header, which may be nil.
func (s *Session) table(header []string, rows [][]string) string {
	var b strings.Builder
	_ = s.cfg.Style.Table(&b, header, rows) // a Builder takes all
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}
