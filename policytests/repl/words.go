package repl

import (
	"regexp"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/slip"
)

// cutWord takes the first word off a line.
func cutWord(line string) (word, rest string) {
	line = strings.TrimSpace(line)
	i := strings.IndexAny(line, " \t\r\n")
	if i < 0 {
		return line, ""
	}
	return line[:i], strings.TrimSpace(line[i:])
}

// words takes a request apart as case lines have it: at blanks outside of
// quotes and lists, up to a comment.
func words(text string) []string {
	var all []string
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" || text[0] == '#' {
			return all
		}
		n := wordLength(text)
		all = append(all, text[:n])
		text = text[n:]
	}
}

func wordLength(text string) int {
	quoted, depth := false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' && (i == 0 || text[i-1] == '='):
			depth++
		case c == ']' && depth > 0:
			depth--
		case depth == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			return i
		}
	}
	return len(text)
}

// first is the first name of a word that may be a list.
func first(word string) string {
	word = strings.TrimLeft(word, "[ \t")
	if i := strings.IndexAny(word, ",] \t"); i >= 0 && !strings.HasPrefix(word, `"`) {
		word = word[:i]
	}
	return strings.Trim(word, `"`)
}

// list is the names of a word that may be a list, as they are written: split at
// commas outside of quotes.
func list(word string) []string {
	inner, isList := strings.CutPrefix(word, "[")
	if !isList {
		return []string{word}
	}
	inner = strings.TrimSuffix(strings.TrimSpace(inner), "]")
	var all []string
	quoted, start := false, 0
	for i := 0; i < len(inner); i++ {
		switch c := inner[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			all = append(all, strings.TrimSpace(inner[start:i]))
			start = i + 1
		}
	}
	return append(all, strings.TrimSpace(inner[start:]))
}

var principalPrefixes = []string{"user/", "role/", "federated/", "web/", "service/"}

// isPrincipal tells whether a word is written as a principal is.
func isPrincipal(word string) bool {
	name := first(word)
	if name == "root" || strings.HasPrefix(name, "root@") {
		return true
	}
	if parts := strings.SplitN(name, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[2] == "iam" || parts[2] == "sts"
	}
	return slices.ContainsFunc(principalPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

var actionForm = regexp.MustCompile(`(?i)^(kms|sts|iam):[a-z*?]+$`)

// isAction tells whether a word is written as an action is.
func isAction(word string) bool { return actionForm.MatchString(first(word)) }

// isResource tells whether a word is written as a resource is.
func isResource(word string) bool {
	name := first(word)
	if parts := strings.SplitN(name, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[2] == "kms" || parts[2] == "iam"
	}
	return name == "*" || strings.HasPrefix(name, "key/") || strings.HasPrefix(name, "alias/") || strings.HasPrefix(name, "role/")
}

// clauseWords begin a clause.
var clauseWords = []string{"session", "with", "via", "at", "in", "grant", "grant-token"}

// isClause tells whether a word begins a clause of a request.
func isClause(word string) bool { return isPair(word) || slices.Contains(clauseWords, word) }

// isPair tells whether a word is KEY=VALUE or !KEY.
func isPair(word string) bool {
	return strings.HasPrefix(word, "!") || strings.Contains(word, "=") && !strings.HasPrefix(word, "[")
}

// pairKey is the condition key of a pair, in lower case.
func pairKey(pair string) string {
	key, _, _ := strings.Cut(strings.TrimPrefix(pair, "!"), "=")
	return strings.ToLower(strings.ReplaceAll(key, `"`, ""))
}

// needsResource tells whether an action is asked about a resource that has to
// be named.
func needsResource(do string) bool {
	a, known := policy.ActionNamed(first(do))
	return known && len(a.Resources) > 0
}

// nearest is the name that a word begins or is a slip of, or empty.
func nearest(word string, names []string) string { return slip.Begun(word, names, len(word)/3+1) }
