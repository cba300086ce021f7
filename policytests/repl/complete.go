package repl

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Candidate is a word that could stand where somebody types.
type Candidate struct {
	Value string
	About string // in a few words; may be empty
	Open  bool   // more follows without a blank, such as a value after "="
}

// Complete lists what can stand at the end of a line, and which part of it is
// there already. Candidates begin with that part.
func (s *Session) Complete(line string) (all []Candidate, part string) {
	part = line[strings.LastIndexAny(line, " \t\n[,")+1:]
	command, rest, argument := strings.Cut(strings.TrimLeft(line, " \t\n"), " ")
	if !argument {
		all = commandCandidates()
	} else if complete := completers[command]; complete != nil {
		all = complete(s, strings.TrimLeft(rest, " \t\n"))
	}
	fit := func(c Candidate) bool { return strings.HasPrefix(strings.ToLower(c.Value), strings.ToLower(part)) }
	all = slices.DeleteFunc(all, func(c Candidate) bool { return !fit(c) })
	return all, part
}

// completers tell for each command what its arguments can be.
var completers map[string]func(*Session, string) []Candidate

func init() { // a table that names help, which names the commands, would be a cycle
	completers = map[string]func(*Session, string) []Candidate{
		"can": (*Session).requestWords, "why": (*Session).requestWords, "explain": (*Session).requestWords,
		"why-not":  (*Session).requestWords,
		"who-can":  inTurn((*Session).actionWords, func(s *Session, _ string) []Candidate { return s.resourceWords("kms:Encrypt") }),
		"what-can": inTurn((*Session).principalWords, func(s *Session, _ string) []Candidate { return s.resourceWords("kms:Encrypt") }),
		"as":       (*Session).asWords, "do": (*Session).actionWords, "on": (*Session).onWords, "via": (*Session).viaWords,
		"in": (*Session).regionWords, "at": plainWords("now", "-"), "set": (*Session).setWords, "unset": (*Session).unsetWords,
		"grant": (*Session).grantWords, "revoke": (*Session).revokeWords,
		"policy": (*Session).placeWords, "edit": (*Session).placeWords,
		"given": (*Session).givenWords, "off": plainWords(layerNames()...), "show": (*Session).showWords, "save": (*Session).saveWords,
		"diff": func(s *Session, _ string) []Candidate { return s.resourceWords("kms:Encrypt") }, "lint": plainWords("new"),
		"help": plainWords(commandNames()...),
	}
}

// inTurn completes each argument by a rule of its own.
func inTurn(rules ...func(*Session, string) []Candidate) func(*Session, string) []Candidate {
	return func(s *Session, text string) []Candidate {
		if n := len(words(text[:strings.LastIndexAny(text, " \t\n")+1])); n < len(rules) {
			return rules[n](s, text)
		}
		return nil
	}
}

func plainWords(words ...string) func(*Session, string) []Candidate {
	return func(*Session, string) []Candidate { return candidates(words) }
}

func candidates(words []string) []Candidate {
	all := make([]Candidate, len(words))
	for i, w := range words {
		all[i] = Candidate{Value: w}
	}
	return all
}

func commandCandidates() []Candidate {
	var all []Candidate
	for _, c := range commands() {
		for _, n := range append([]string{c.name}, c.also...) {
			all = append(all, Candidate{Value: n, About: c.short})
		}
	}
	return all
}

// requestWords are what can stand in a request, given that the scene may have
// what is left out.
func (s *Session) requestWords(text string) []Candidate {
	sc := s.state.scene
	before := words(text[:strings.LastIndexAny(text, " \t\n[,")+1])
	open := strings.LastIndexByte(text, '[') > strings.LastIndexByte(text, ']')
	if open && len(before) > 0 {
		before = before[:len(before)-1] // in a list stands what would stand in its place
	}
	at := 0
	p := positions{who: sc.who, do: sc.do}
	if len(before) > at && isPrincipal(before[at]) {
		p.who, at = before[at], at+1
	}
	if len(before) > at && isAction(before[at]) {
		p.do, at = before[at], at+1
	}
	if len(before) > at && isResource(before[at]) {
		p.on, at = before[at:at+1], at+1
	}
	p.clauses = before[at:]
	var all []Candidate
	if at == 0 {
		all = append(all, s.principalWords("")...)
	}
	if len(p.clauses) == 0 && p.on == nil {
		if p.who != "" && (at == 0 || !isAction(before[at-1])) {
			all = append(all, s.actionWords("")...)
		}
		if p.do != "" {
			all = append(all, s.resourceWords(p.do)...)
		}
	}
	if open && len(p.clauses) == 0 || p.who == "" || p.do == "" {
		return all
	}
	return append(all, s.clauseWords(p, text)...)
}

// clauseWords are what can stand behind principal, action and resource.
func (s *Session) clauseWords(p positions, text string) []Candidate {
	begin := strings.LastIndexAny(text, " \t\n[,") + 1
	typed := strings.Join(p.clauses, " ")
	c := caseline.Standing{}.Complete(strings.Join([]string{first(p.who), first(p.do), "key/x", typed, text[begin:]}, " "), true)
	all := candidates(c.Words)
	if c.Slot == "clause" {
		return append(all, s.keyWords(p, p.clauses)...)
	}
	return append(all, s.slotWords(c.Slot)...)
}

// slotWords are the names of the world that fit a slot of the grammar.
func (s *Session) slotWords(slot string) []Candidate {
	switch slot {
	case "endpoint":
		return s.endpointWords()
	case "service":
		return s.serviceWords()
	case "Region":
		return s.regionWords("")
	case "policy":
		return s.fileWords()
	case "grant":
		return s.grantNames("")
	}
	return nil
}

// keyWords are the condition keys of an action as pairs to be filled in, and
// as absent; where a key is typed in full, its values.
func (s *Session) keyWords(p positions, typed []string) []Candidate {
	seen := s.seenValues()
	var all []Candidate
	rows := keysOf(first(p.do))
	if _, known := policy.ActionNamed(first(p.do)); !known {
		rows = policy.ConditionKeys
	}
	for _, row := range ordinaryFirst(rows) {
		if row.Absent || !s.settable(p, row) {
			continue
		}
		if row.Prefix() {
			all = append(all, Candidate{Value: row.Name, About: "a name follows", Open: true})
		}
		for _, name := range namesOf(row, seen) {
			if slices.ContainsFunc(typed, func(t string) bool { return pairKey(t) == strings.ToLower(name) }) {
				continue
			}
			all = append(all, Candidate{Value: name + "=", About: row.Type.String(), Open: true}, Candidate{Value: "!" + name, About: "absent"})
			for _, v := range slices.Sorted(maps.Keys(seen[lowerName(row, name)])) {
				all = append(all, Candidate{Value: name + "=" + caseline.Quote(v), About: "a policy names it"})
			}
		}
	}
	return all
}

// ordinaryFirst are condition keys with those that requests often bring in front,
// and those of attestation documents, which are many and seldom, behind all
// others.
func ordinaryFirst(rows []policy.ConditionKey) []policy.ConditionKey {
	often := []string{"kms:EncryptionContext:", "kms:ViaService"}
	place := func(k policy.ConditionKey) int {
		switch i := slices.Index(often, k.Name); {
		case i >= 0:
			return i
		case strings.HasPrefix(k.Name, "kms:RecipientAttestation:"):
			return len(often) + 1
		}
		return len(often)
	}
	return slices.SortedStableFunc(slices.Values(rows), func(a, b policy.ConditionKey) int { return place(a) - place(b) })
}

// namesOf are the condition keys of a row: itself, or what policies name
// behind its prefix.
func namesOf(row policy.ConditionKey, seen map[string]map[string]bool) []string {
	if !row.Prefix() {
		return []string{row.Name}
	}
	var names []string
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		if n, ok := cutPrefixFold(key, row.Name); ok && n != "" {
			names = append(names, row.Name+n)
		}
	}
	return names
}

// settable tells whether a request can bring a condition key: most of those
// that tell of principal, key and network it cannot.
func (s *Session) settable(p positions, row policy.ConditionKey) bool {
	name := row.Name
	if row.Prefix() {
		name += "x"
	}
	r := caseline.Request{
		Principals: []caseline.Word{{Text: first(p.who)}}, Actions: []caseline.Word{{Text: first(p.do)}},
		Absent: []caseline.Word{{Text: name}},
	}
	if on := append(slices.Clone(p.on), s.state.scene.on); len(on) > 0 && on[0] != "" && needsResource(p.do) {
		r.Resources = []caseline.Word{{Text: first(on[0])}}
	}
	without := r
	without.Absent = nil
	if _, err := s.current.base.Question(without); err != nil {
		return true // nothing can be told
	}
	_, err := s.current.base.Question(r)
	return err == nil
}

// lowerName is a condition key in lower case, but for what follows a prefix.
func lowerName(row policy.ConditionKey, name string) string {
	if row.Prefix() && len(name) > len(row.Name) {
		return strings.ToLower(row.Name) + name[len(row.Name):]
	}
	return strings.ToLower(name)
}

func cutPrefixFold(text, prefix string) (string, bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return "", false
	}
	return text[len(prefix):], true
}

// seenValues are the values that the policies of the world name for condition
// keys, by key in lower case but for what follows a prefix.
func (s *Session) seenValues() map[string]map[string]bool {
	seen := map[string]map[string]bool{}
	for _, p := range s.places() {
		for _, st := range p.policy.Document.Statements {
			for _, c := range st.Conditions {
				row, _ := policy.ConditionKeyNamed(c.KeyText)
				key := lowerName(row, c.KeyText)
				if seen[key] == nil {
					seen[key] = map[string]bool{}
				}
				for _, v := range c.Values {
					if c.Operator != "Null" && !strings.ContainsAny(v.Text, "*?$") {
						seen[key][v.Text] = true
					}
				}
			}
		}
	}
	return seen
}
