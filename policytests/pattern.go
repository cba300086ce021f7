package policytests

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/slip"
)

// principalsLike are those whom names and patterns with stars stand for.
func (a *Asker) principalsLike(words []caseline.Word, account caseline.Word) ([]caseline.Word, error) {
	var all []caseline.Word
	for _, w := range words {
		if !strings.Contains(w.Text, "*") {
			if _, err := a.owner(w, account); err != nil {
				return nil, err
			}
			all = append(all, w)
			continue
		}
		found := matching(w, a.Everybody())
		if len(found) == 0 {
			return nil, failf(w, "no principal of this world is like %s", w.Text)
		}
		all = append(all, found...)
	}
	return all, nil
}

// actionsLike are the actions that names and patterns with stars stand for,
// each once.
func (a *Asker) actionsLike(words []caseline.Word) ([]caseline.Word, error) {
	var all []caseline.Word
	for _, w := range words {
		found := false
		for _, action := range policy.Actions {
			if !like(strings.ToLower(w.Text), strings.ToLower(action.Name)) {
				continue
			}
			found = true
			if !slices.ContainsFunc(all, func(o caseline.Word) bool { return o.Text == action.Name }) {
				all = append(all, caseline.Word{Text: action.Name, Pos: w.Pos})
			}
		}
		if !found {
			return nil, failf(w, "there is no action %s%s", w.Text, meantAction(w.Text))
		}
	}
	return all, nil
}

// matching are the words that are like a pattern with stars.
func matching(pattern caseline.Word, words []caseline.Word) []caseline.Word {
	return slices.DeleteFunc(words, func(w caseline.Word) bool {
		bare, _, _ := strings.Cut(w.Text, "@")
		return !like(pattern.Text, w.Text) && !like(pattern.Text, bare)
	})
}

// like tells whether a text is like a pattern, in which a star stands for any
// text.
func like(pattern, text string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	for text = text[len(first):]; ; text = text[1:] {
		if like(rest, text) {
			return true
		}
		if text == "" {
			return false
		}
	}
}

// meantAction asks whether one of the actions was meant that begin with text,
// or else the nearest one.
func meantAction(text string) string {
	if begun := policy.ExpandAction(text + "*"); len(begun) > 0 && text != "" {
		return slip.Ask(strings.Join(begun[:min(len(begun), 3)], " or "))
	}
	return slip.Meant(text, actionNames())
}
