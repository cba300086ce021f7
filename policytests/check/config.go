package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/slip"
)

// ConfigName is the name of the file that a Config is read from.
const ConfigName = ".keyreeve-lint.yaml"

// A Config is what a repository says about linting it.
type Config struct {
	// File it was read from, as people know it; Dir is where it lies.
	File, Dir string

	Account, Region string
	Trusted         []string
	FailOn          lint.Severity // zero: not said
	Baseline        string        // path, relative to Dir; empty: none
	Ignore          []*Ignore
}

// An Ignore sets findings aside, for a reason and a time.
type Ignore struct {
	Rules    []string // ids
	Files    []string // patterns, relative to the configuration; none: all files
	Policies []string // patterns of names of policies; none: all
	Sids     []string // of statements; none: all
	Reason   string
	// Expires is the first day on which it does not count; zero: never.
	Expires time.Time

	line, column int
	used         bool
}

// A ConfigError is what is wrong with a configuration, all of it.
type ConfigError struct {
	File  string
	Lines []string // "line 3: message"
}

// Error has one line for each mistake.
func (e *ConfigError) Error() string {
	return e.File + ": " + strings.Join(e.Lines, "\n"+e.File+": ")
}

// FindConfig looks for a configuration in a directory and above it, up to the
// top of the repository. Without one the answer is nil.
func FindConfig(dir string) (*Config, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for {
		name := filepath.Join(dir, ConfigName)
		if _, err := os.Stat(name); err == nil {
			return ReadConfig(name)
		}
		_, err := os.Stat(filepath.Join(dir, ".git"))
		parent := filepath.Dir(dir)
		if err == nil || parent == dir {
			return nil, nil
		}
		dir = parent
	}
}

// configFile is the YAML of a configuration.
type configFile struct {
	Version  int         `yaml:"version"`
	Account  string      `yaml:"account"`
	Region   string      `yaml:"region"`
	Trusted  texts       `yaml:"trusted-accounts"`
	FailOn   string      `yaml:"fail-on"`
	Baseline string      `yaml:"baseline"`
	Ignore   []yaml.Node `yaml:"ignore"`
}

type ignoreFile struct {
	Rules    texts  `yaml:"rules"`
	Files    texts  `yaml:"files"`
	Policies texts  `yaml:"policies"`
	Sids     texts  `yaml:"sids"`
	Reason   string `yaml:"reason"`
	Expires  string `yaml:"expires"`
}

// texts are a list of strings, or one.
type texts []string

// UnmarshalYAML takes scalars as they are written, account ids among them.
func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	for _, item := range items {
		if item.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: a text, or a list of texts, is expected here", item.Line)
		}
		*t = append(*t, item.Value)
	}
	return nil
}

// ReadConfig reads a configuration. What is wrong with it is a *ConfigError.
func ReadConfig(name string) (*Config, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	shown := name
	if wd, err := os.Getwd(); err == nil {
		if inside, err := filepath.Rel(wd, name); err == nil && !strings.HasPrefix(inside, filepath.Join("..", "..", "..")) {
			shown = inside
		}
	}
	return ParseConfig(filepath.ToSlash(shown), filepath.Dir(name), text)
}

// ParseConfig reads a configuration that lies in dir and is called name.
func ParseConfig(name, dir string, text []byte) (*Config, error) {
	wrong := &ConfigError{File: name}
	var f configFile
	if err := strict(text, &f); err != nil && !errors.Is(err, io.EOF) {
		wrong.add(err)
		return nil, wrong
	}
	c := &Config{File: name, Dir: dir, Account: f.Account, Region: f.Region, Trusted: f.Trusted, Baseline: f.Baseline}
	if f.Version != 1 {
		wrong.Lines = append(wrong.Lines, "version: 1 is expected")
	}
	if f.FailOn != "" {
		var ok bool
		if c.FailOn, ok = lint.SeverityNamed(f.FailOn); !ok {
			wrong.Lines = append(wrong.Lines, fmt.Sprintf("fail-on is error, security, warning or suggestion, not %q", f.FailOn))
		}
	}
	for i := range f.Ignore {
		c.Ignore = append(c.Ignore, wrong.ignore(&f.Ignore[i]))
	}
	if len(wrong.Lines) > 0 {
		return nil, wrong
	}
	return c, nil
}

// strict decodes YAML and refuses unknown fields.
func strict(text []byte, to any) (err error) {
	defer func() { // the parser panics on some broken texts
		if recover() != nil {
			err = errors.New("not YAML")
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	return d.Decode(to)
}

func (e *ConfigError) add(err error) {
	var several *yaml.TypeError
	if errors.As(err, &several) {
		for _, one := range several.Errors {
			e.Lines = append(e.Lines, strings.ReplaceAll(one, " in type check.configFile", ""))
		}
		return
	}
	e.Lines = append(e.Lines, strings.TrimPrefix(err.Error(), "yaml: "))
}

// ignore reads one entry; what is wrong with it is noted.
func (e *ConfigError) ignore(n *yaml.Node) *Ignore {
	ig := &Ignore{line: n.Line, column: n.Column}
	fail := func(format string, args ...any) {
		e.Lines = append(e.Lines, fmt.Sprintf("line %d: ", n.Line)+fmt.Sprintf(format, args...))
	}
	var f ignoreFile
	if n.Kind != yaml.MappingNode {
		fail("an entry of ignore has rules, reason and expires")
		return ig
	}
	for i := 0; i < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case "rules", "files", "policies", "sids", "reason", "expires":
		default:
			fail("unknown field %s; known here: rules, files, policies, sids, reason, expires", n.Content[i].Value)
		}
	}
	if err := n.Decode(&f); err != nil {
		e.add(err)
		return ig
	}
	ig.Rules, ig.Files, ig.Policies, ig.Sids, ig.Reason = f.Rules, f.Files, f.Policies, f.Sids, strings.TrimSpace(f.Reason)
	for i, id := range ig.Rules {
		rule, _, ok := Rule(id)
		switch {
		case ok && slices.Contains(notIgnored, rule.ID):
			fail("%s cannot be ignored: it says that something was not looked at; --fail-on-unknown=false lets what is unknown pass", rule.ID)
		case ok:
			ig.Rules[i] = rule.ID
		case id == "*":
			fail("rules are ignored by their ids, not by \"*\": what is found tomorrow has no reason yet")
		default:
			hint := "; "
			if near := slip.Meant(id, RuleIDs()); near != "" {
				hint = near + " "
			}
			fail("there is no rule %q%skeyreeve lint --list names all", id, hint)
		}
	}
	if len(ig.Rules) == 0 {
		fail("rules are missing: the ids of what is ignored")
	}
	if ig.Reason == "" {
		fail("a reason is missing: whoever reads this later must know why")
	}
	for _, pattern := range ig.Files {
		if _, err := filepath.Match(strings.ReplaceAll(pattern, "**", "*"), ""); err != nil {
			fail("%q is no pattern of files", pattern)
		}
	}
	switch day, err := time.Parse(time.DateOnly, f.Expires); {
	case f.Expires == "never":
	case err != nil:
		fail("expires is missing or no date: write a day such as 2027-06-30, or never")
	default:
		ig.Expires = day
	}
	return ig
}

// BaselinePath is where the baseline lies, empty if there is none.
func (c *Config) BaselinePath() string {
	if c == nil || c.Baseline == "" || filepath.IsAbs(c.Baseline) {
		if c == nil {
			return ""
		}
		return c.Baseline
	}
	return filepath.Join(c.Dir, filepath.FromSlash(c.Baseline))
}

// Missing tells whether an error says that a file is not there.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
