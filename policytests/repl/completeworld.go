package repl

import (
	"path"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// short is a name, with its account where another has one of that name too.
func short(names []Candidate, accounts []string) []Candidate {
	count := map[string]int{}
	for _, c := range names {
		count[c.Value]++
	}
	for i, c := range names {
		if count[c.Value] > 1 {
			names[i].Value += "@" + accounts[i]
		}
	}
	return names
}

func (s *Session) principalWords(string) []Candidate {
	var all []Candidate
	var in []string
	for _, row := range principals(s).Rows {
		all = append(all, Candidate{Value: row[0], About: "of " + row[1]})
		in = append(in, row[1])
	}
	all = short(all, in)
	for _, v := range s.current.world.Services() {
		all = append(all, Candidate{Value: "service/" + v.Principal, About: "the service itself"})
	}
	return all
}

func (s *Session) actionWords(string) []Candidate {
	all := make([]Candidate, len(policy.Actions))
	for i, a := range policy.Actions {
		all[i] = Candidate{Value: a.Name}
		if len(a.Resources) == 0 {
			all[i].About = "on no resource"
		}
	}
	return all
}

// resourceWords are the keys, aliases or roles that an action can be about.
func (s *Session) resourceWords(do string) []Candidate {
	a, known := policy.ActionNamed(first(do))
	if known && len(a.Resources) == 0 {
		return nil
	}
	var all []Candidate
	var in []string
	if known && a.On(policy.RoleResource) {
		for _, row := range principals(s).Rows {
			if strings.HasPrefix(row[0], "role/") {
				all = append(all, Candidate{Value: row[0], About: "of " + row[1]})
				in = append(in, row[1])
			}
		}
		return short(all, in)
	}
	for _, k := range s.current.world.Keys() {
		about := k.Spec + " of " + k.Account
		all = append(all, Candidate{Value: "key/" + k.Name, About: about})
		in = append(in, k.Account)
		for _, alias := range k.Aliases {
			all = append(all, Candidate{Value: alias, About: "key/" + k.Name})
			in = append(in, k.Account)
		}
	}
	return short(all, in)
}

func (s *Session) asWords(text string) []Candidate {
	w := words(text[:strings.LastIndexAny(text, " \t\n[,")+1])
	if len(w) == 0 {
		return append(s.principalWords(""), Candidate{Value: forget, About: "forget"})
	}
	begin := strings.LastIndexAny(text, " \t\n[,") + 1
	c := caseline.Standing{}.Complete("root kms:ListKeys "+strings.Join(append(w[1:], text[begin:]), " "), true)
	if c.Slot == "clause" || c.Slot == "resource" {
		return candidates([]string{"session", "with"})
	}
	return append(candidates(c.Words), s.slotWords(c.Slot)...)
}

func (s *Session) onWords(string) []Candidate {
	all := s.resourceWords(s.state.scene.do)
	for _, layer := range s.state.off {
		all = append(all, Candidate{Value: layer, About: "switch it on again"})
	}
	return append(all, Candidate{Value: forget, About: "forget"})
}

func (s *Session) viaWords(text string) []Candidate {
	switch w := words(text); {
	case len(w) > 0 && w[0] == "endpoint":
		return s.endpointWords()
	case len(w) > 0 && w[0] == "service":
		return s.serviceWords()
	}
	return candidates([]string{"endpoint", "service", forget})
}

func (s *Session) endpointWords() []Candidate {
	var all []Candidate
	for _, e := range s.current.world.Endpoints() {
		all = append(all, Candidate{Value: e.ID, About: e.VPC + " in " + e.Region})
	}
	return all
}

func (s *Session) serviceWords() []Candidate {
	var all []Candidate
	for _, v := range s.current.world.Services() {
		all = append(all, Candidate{Value: v.Principal})
	}
	return all
}

func (s *Session) regionWords(string) []Candidate {
	return candidates(append(s.current.world.Regions(), forget))
}

// givenWords follow the grammar of given lines.
func (s *Session) givenWords(text string) []Candidate {
	c := caseline.Standing{}.Complete("given "+text, false)
	all := candidates(c.Words)
	switch c.Slot {
	case "key":
		return append(all, s.resourceWords("kms:Encrypt")...)
	case "key, user or role":
		return append(append(all, s.resourceWords("kms:Encrypt")...), s.principalWords("")...)
	case "principal":
		return append(all, s.principalWords("")...)
	case "action":
		return append(all, s.actionWords("")...)
	case "operation":
		return append(all, candidates(grantOperations)...)
	}
	return append(all, s.slotWords(c.Slot)...)
}

// fileWords are the files of the world that can be session policies.
func (s *Session) fileWords() []Candidate {
	var all []Candidate
	for _, name := range s.current.draft.Names() {
		if path.Ext(name) == ".json" {
			all = append(all, Candidate{Value: name})
		}
	}
	return all
}

func (s *Session) setWords(text string) []Candidate {
	sc := s.state.scene
	return s.keyWords(positions{who: sc.who, do: sc.do}, words(text[:strings.LastIndexAny(text, " \t\n")+1]))
}

func (s *Session) unsetWords(string) []Candidate {
	all := []Candidate{{Value: "*", About: "all"}}
	for _, k := range s.state.scene.keys {
		key, _, _ := strings.Cut(strings.TrimPrefix(k, "!"), "=")
		all = append(all, Candidate{Value: key})
	}
	return all
}

// grantOperations are those that grants can name.
var grantOperations = []string{
	"CreateGrant", "Decrypt", "DeriveSharedSecret", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
	"GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GetPublicKey", "ReEncryptFrom", "ReEncryptTo",
	"RetireGrant", "Sign", "Verify", "VerifyMac",
}

func (s *Session) grantWords(text string) []Candidate {
	w := words(text[:strings.LastIndexAny(text, " \t\n")+1])
	if open := len(w) - 1; open >= 0 && strings.HasPrefix(w[open], "[") && !strings.HasSuffix(w[open], "]") {
		w = w[:open]
	}
	switch {
	case len(w) == 0:
		return s.principalWords("")
	case len(w) == 1:
		return candidates(grantOperations)
	case w[len(w)-1] == "on":
		return s.resourceWords("kms:CreateGrant")
	case w[len(w)-1] == "retiree":
		return s.principalWords("")
	}
	return candidates([]string{"on", "name", "retiree", "equals", "subset"})
}

func (s *Session) grantNames(string) []Candidate {
	var all []Candidate
	for _, row := range grants(s).Rows {
		all = append(all, Candidate{Value: row[0], About: "on " + row[1]})
	}
	return all
}

func (s *Session) revokeWords(text string) []Candidate {
	switch w := words(text[:strings.LastIndexAny(text, " \t\n")+1]); len(w) {
	case 0:
		return s.grantNames("")
	case 1:
		return candidates([]string{"on"})
	}
	return s.resourceWords("kms:CreateGrant")
}

// placeWords are the places of policies: a word, or two.
func (s *Session) placeWords(text string) []Candidate {
	w := words(text[:strings.LastIndexAny(text, " \t\n")+1])
	var all []Candidate
	for _, p := range s.places() {
		one, two, several := strings.Cut(p.slot.String(), " ")
		switch {
		case len(w) == 0:
			all = append(all, Candidate{Value: one, About: p.slot.Kind().String() + " policy"})
		case len(w) == 1 && several && one == w[0]:
			all = append(all, Candidate{Value: two, About: p.policy.File})
		}
	}
	if len(w) == 0 {
		for _, k := range s.current.world.Keys() {
			all = append(all, Candidate{Value: keyOf(k).String(), About: "key policy"})
		}
	}
	slices.SortStableFunc(all, func(a, b Candidate) int { return strings.Compare(a.Value, b.Value) })
	return slices.CompactFunc(all, func(a, b Candidate) bool { return a.Value == b.Value })
}

func (s *Session) showWords(text string) []Candidate {
	topic, rest, more := strings.Cut(text, " ")
	switch {
	case !more:
		return candidates(topics)
	case topic == "condition-keys":
		return s.actionWords("")
	case topic == "policy" || topic == "rego":
		return s.placeWords(rest)
	}
	return nil
}

func (s *Session) saveWords(text string) []Candidate {
	what, rest, more := strings.Cut(text, " ")
	switch {
	case !more:
		return candidates([]string{"test", "world"})
	case what == "test" && strings.Contains(rest, " "):
		_, request, _ := strings.Cut(rest, " ")
		return s.requestWords(request)
	}
	return nil
}
