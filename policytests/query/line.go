package query

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// Parse reads a request as it stands in a case line, and lists the requests
// about one principal, one action and at most one resource that it stands for.
func Parse(text string) ([]caseline.Request, error) {
	r, err := caseline.ParseRequest(text)
	if err != nil {
		return nil, err
	}
	return Each(r), nil
}

// Each lists the requests that one with lists stands for.
func Each(r caseline.Request) []caseline.Request {
	resources := [][]caseline.Word{nil}
	if len(r.Resources) > 0 {
		resources = slices.Collect(slices.Chunk(r.Resources, 1))
	}
	var all []caseline.Request
	for _, p := range r.Principals {
		for _, a := range r.Actions {
			for _, resource := range resources {
				one := r
				one.Principals, one.Actions, one.Resources = []caseline.Word{p}, []caseline.Word{a}, resource
				all = append(all, one)
			}
		}
	}
	return all
}

// Join makes a request of the arguments of a command: one argument is the
// whole request, several are a word each, which the shell may have taken the
// quotes off.
func Join(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = argument(arg)
	}
	return strings.Join(words, " ")
}

func argument(arg string) string {
	if !strings.ContainsAny(arg, " \t\r\n") || strings.ContainsRune(arg, '"') {
		return arg
	}
	if name, value, pair := strings.Cut(arg, "="); pair && !strings.ContainsAny(name, " \t\r\n") {
		if strings.HasPrefix(value, "[") {
			return arg
		}
		return name + "=" + quoted(value)
	}
	if strings.HasPrefix(arg, "[") {
		return arg
	}
	return quoted(arg)
}

// Line writes a request as a case line has it, without verdict.
func Line(r caseline.Request) string {
	words := []string{list(r.Principals), list(r.Actions)}
	if len(r.Resources) > 0 {
		words = append(words, list(r.Resources))
	}
	for _, p := range r.Keys {
		words = append(words, pair(p))
	}
	for _, w := range r.Absent {
		words = append(words, "!"+word(w.Text, false))
	}
	words = append(words, sessionWords(r.Session)...)
	if r.Endpoint.Text != "" {
		words = append(words, "via endpoint "+word(r.Endpoint.Text, false))
	}
	if len(r.Services) > 0 {
		words = append(words, "via service "+list(r.Services))
	}
	if !r.At.IsZero() {
		words = append(words, "at "+r.At.UTC().Format(time.RFC3339))
	}
	if r.Region.Text != "" {
		words = append(words, "in "+word(r.Region.Text, false))
	}
	if len(r.Grants) > 0 {
		words = append(words, "grant "+list(r.Grants))
	}
	return strings.Join(words, " ")
}

func sessionWords(s caseline.Session) []string {
	var words []string
	if s.Name.Text != "" {
		words = append(words, "session "+word(s.Name.Text, false))
	}
	if len(s.Policies) > 0 {
		words = append(words, "with policy "+list(s.Policies))
	}
	for _, t := range s.Tags {
		words = append(words, "with tag "+pair(t))
	}
	if s.SourceIdentity.Text != "" {
		words = append(words, "with source-identity "+word(s.SourceIdentity.Text, false))
	}
	switch {
	case s.MFA.Present:
		words = append(words, fmt.Sprintf("with mfa %d", s.MFA.Age/time.Second))
	case s.MFA.Given:
		words = append(words, "with mfa none")
	}
	return words
}

// list writes one name as it is, several in brackets.
func list(all []caseline.Word) string {
	texts := make([]string, len(all))
	for i, w := range all {
		texts[i] = w.Text
	}
	return values(texts, false)
}

func values(texts []string, brackets bool) string {
	if len(texts) == 1 && !brackets {
		return word(texts[0], false)
	}
	words := make([]string, len(texts))
	for i, t := range texts {
		words[i] = word(t, true)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func pair(p caseline.Pair) string {
	key := word(p.Key, false)
	if strings.ContainsRune(p.Key, '=') {
		key = quoted(p.Key)
	}
	return key + "=" + values(p.Values, len(p.Values) > 1)
}

// word quotes what would not be read as one word.
func word(text string, inList bool) string {
	special := " \t\r\n\""
	if inList {
		special += ",]"
	}
	if text == "" || strings.ContainsAny(text, special) || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "[") {
		return quoted(text)
	}
	return text
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
