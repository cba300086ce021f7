package lint

import (
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// examples reads the fences of a section:
//
//	```json key region=eu-central-1
//	{…}
//	```
func examples(section string) []Example {
	var all []Example
	for {
		_, rest, found := strings.Cut(section, "```json ")
		if !found {
			return all
		}
		head, rest, _ := strings.Cut(rest, "\n")
		text, rest, closed := strings.Cut(rest, "\n```")
		if !closed {
			return all
		}
		all = append(all, example(strings.Fields(head), text))
		section = rest
	}
}

func example(words []string, text string) Example {
	e := Example{Text: text, Settings: map[string]string{}}
	if len(words) == 0 {
		return e
	}
	e.Kind, _ = policy.KindOf(words[0])
	for _, word := range words[1:] {
		name, value, found := strings.Cut(word, "=")
		if !found {
			name, value = "version", word
		}
		e.Settings[name] = value
	}
	e.settle()
	return e
}

// settle takes the settings over into the text and the options.
func (e *Example) settle() {
	if blanks, err := strconv.Atoi(e.Settings["pad"]); err == nil {
		e.Text = strings.TrimSuffix(e.Text, "}") + strings.Repeat(" ", blanks) + "}"
	}
	e.Options = Options{Account: e.Settings["account"], Region: e.Settings["region"], KeySpec: e.Settings["keyspec"], KeyUsage: e.Settings["keyusage"]}
	if known, ok := e.Settings["known"]; ok {
		e.Options.Known = func(p policy.Principal) bool { return p.Text == known }
	}
	e.Options.Now, _ = time.Parse(time.DateOnly, e.Settings["now"])
	e.Options.GrantAge, _ = time.ParseDuration(e.Settings["grantage"])
}

// Check looks at the example, as what it is.
func (e Example) Check() []Finding {
	if e.Kind == 0 {
		return CheckGrants([]byte(e.Text), e.Options)
	}
	found, _ := CheckText(e.Kind, []byte(e.Text), e.Options)
	return found
}
