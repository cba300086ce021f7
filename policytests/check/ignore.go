package check

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
)

// wholeTree tells whether paths hold all that a configuration is about.
func wholeTree(paths []string, c *Config) bool {
	if c == nil {
		return false
	}
	return slices.ContainsFunc(paths, func(p string) bool {
		abs, err := filepath.Abs(p)
		return err == nil && abs == c.Dir
	})
}

// apply sets findings aside, and adds those about entries that are of no use.
func (c *Config) apply(r *Result, now time.Time, all bool) {
	if c == nil {
		return
	}
	for _, ig := range c.Ignore {
		ig.used = false
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, ig := range c.Ignore {
			if f.Ignored == "" && ig.covers(c, f) {
				ig.used = true
				if !ig.expired(now) {
					f.Ignored = ig.why()
				}
			}
		}
	}
	for _, ig := range c.Ignore {
		switch {
		case ig.expired(now) && ig.used:
			r.Findings = append(r.Findings, c.about(ig, ruleExpired, "This entry has expired on "+ig.Expires.Format(time.DateOnly)+
				", so what it ignored counts again: mend the policy, or give the entry another day. Its reason was: "+ig.Reason))
		case !ig.used && (all || ig.concerns(c, r.Policies)):
			r.Findings = append(r.Findings, c.about(ig, ruleUnused, "This entry ignores nothing: take it out. Its reason was: "+ig.Reason))
		}
	}
}

func (c *Config) about(ig *Ignore, rule, message string) Finding {
	at := lint.Point{Line: ig.line, Column: ig.column}
	return Finding{Fingerprint: fingerprint(rule, c.File, strings.Join(ig.Rules, ","), ig.Reason), Finding: lint.Finding{Rule: rule, Severity: lint.Warning,
		Message: message, File: c.File, Span: lint.Span{Start: at, End: lint.Point{Line: ig.line, Column: ig.column + 1}}}}
}

func (ig *Ignore) expired(now time.Time) bool { return !ig.Expires.IsZero() && !now.Before(ig.Expires) }

func (ig *Ignore) why() string {
	if ig.Expires.IsZero() {
		return ig.Reason
	}
	return ig.Reason + " (until " + ig.Expires.Format(time.DateOnly) + ")"
}

// covers tells whether an entry is about a finding.
func (ig *Ignore) covers(c *Config, f *Finding) bool {
	return slices.Contains(ig.Rules, f.Rule) && ig.inFile(c, f.File) && ig.inPolicy(f.Policy) && ig.inStatement(f)
}

func (ig *Ignore) inFile(c *Config, file string) bool {
	if len(ig.Files) == 0 {
		return true
	}
	inside := file
	if abs, err := filepath.Abs(file); err == nil {
		if relative, err := filepath.Rel(c.Dir, abs); err == nil {
			inside = filepath.ToSlash(relative)
		}
	}
	return slices.ContainsFunc(ig.Files, func(pattern string) bool { return matches(pattern, inside) })
}

func (ig *Ignore) inPolicy(name string) bool {
	return len(ig.Policies) == 0 || slices.ContainsFunc(ig.Policies, func(pattern string) bool {
		ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(name, "/", "\x00"))
		return err == nil && ok
	})
}

func (ig *Ignore) inStatement(f *Finding) bool {
	if len(ig.Sids) == 0 {
		return true
	}
	if f.policy == nil {
		return false
	}
	sid := newPrinter(f.policy).nameOf(f.inside.Path)
	return sid != "" && slices.Contains(ig.Sids, sid)
}

// concerns tells whether an entry is about a policy that was linted.
func (ig *Ignore) concerns(c *Config, all []*extract.Policy) bool {
	return slices.ContainsFunc(all, func(p *extract.Policy) bool { return ig.inFile(c, p.File) && ig.inPolicy(p.Name) })
}

// matches tells whether a pattern of files covers a path: * and ? within a
// name, ** over any number of directories. A directory covers all below it.
func matches(pattern, file string) bool {
	return matchParts(strings.Split(strings.Trim(pattern, "/"), "/"), strings.Split(file, "/"))
}

func matchParts(pattern, file []string) bool {
	if len(pattern) == 0 {
		return true
	}
	if pattern[0] == "**" {
		for i := range len(file) + 1 {
			if matchParts(pattern[1:], file[i:]) {
				return true
			}
		}
		return false
	}
	if len(file) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], file[0])
	return err == nil && ok && matchParts(pattern[1:], file[1:])
}
