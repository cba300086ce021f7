package differential

import (
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// document draws a policy of a kind that speaks about the requests themes.
func (g generator) document(kind policy.Kind, name string, themes []request) Policy {
	for {
		p := Policy{Name: name, Kind: kind.String(), Principals: g.stored(), Document: Document{Version: policy.Version2012}}
		if kind != policy.SCP && kind != policy.RCP && g.chance(0.2) {
			p.Document.Version = pick(g, []string{policy.Version2008, ""})
		}
		if kind != policy.RCP && g.chance(0.75) {
			p.Document.Statement = append(p.Document.Statement, g.generous(kind, themes))
		}
		for range 1 + g.IntN(4) {
			p.Document.Statement = append(p.Document.Statement, g.statement(kind, p.Document.Version, themes))
		}
		for i := range p.Document.Statement {
			p.Document.Statement[i].Sid = fmt.Sprintf("S%d", i)
		}
		if err := p.parse(); err == nil {
			return p
		}
	}
}

// stored are the unique ids of principals when a policy was stored: mostly
// those of now.
func (g generator) stored() map[string]string {
	if g.chance(0.85) {
		return ids
	}
	old := map[string]string{}
	for arn, id := range ids {
		old[arn] = id
	}
	for _, a := range some(g, cast, 2) {
		for _, arn := range a.arns() {
			switch {
			case strings.HasSuffix(arn, "root") || !strings.Contains(arn, ":"):
			case g.chance(0.5):
				delete(old, arn)
			default:
				old[arn] = "AIDAOLD"
			}
		}
	}
	return old
}

// full allows everything, as organizations and endpoints do by default.
func full(kind policy.Kind, name string) Policy {
	s := Statement{Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"}}
	if kind.HasPrincipal() {
		s.Principal = &Who{}
	}
	p := Policy{Name: name, Kind: kind.String(), Principals: ids, Document: Document{policy.Version2012, []Statement{s}}}
	if err := p.parse(); err != nil {
		panic(err)
	}
	return p
}

// generous is an Allow without conditions, or half of all requests would not
// be allowed.
func (g generator) generous(kind policy.Kind, themes []request) Statement {
	theme := pick(g, themes)
	service, _, _ := strings.Cut(theme.Action, ":")
	s := Statement{Effect: "Allow", Action: []string{service + ":*"}}
	if kind.HasResource() {
		s.Resource = []string{"*"}
	}
	if kind.HasPrincipal() {
		s.Principal = g.who(theme)
		for _, t := range themes {
			if g.chance(0.4) && len(t.actor.arns()) > 0 {
				s.Principal.AWS = append(s.Principal.AWS, pick(g, t.actor.arns()))
			}
		}
	}
	return s
}

func (g generator) statement(kind policy.Kind, version string, themes []request) Statement {
	theme := pick(g, themes)
	s := Statement{Effect: "Allow"}
	if kind == policy.RCP || g.chance(0.15) || kind == policy.Trust && g.chance(0.15) {
		s.Effect = "Deny"
	}
	g.principalElement(kind, &s, theme)
	g.actionElement(kind, &s, theme)
	g.resourceElement(kind, version, &s, theme)
	n := pick(g, []int{0, 0, 0, 1, 1, 2, 3})
	if s.Effect == "Deny" {
		n = 1 + g.IntN(3)
		if s.Principal != nil && kind != policy.RCP {
			n = g.IntN(3) // the principal says something already
		}
	}
	for range n {
		g.condition(version, &s, theme)
	}
	return s
}

func (g generator) principalElement(kind policy.Kind, s *Statement, theme request) {
	if !kind.HasPrincipal() {
		return
	}
	if kind == policy.RCP {
		s.Principal = &Who{}
		return
	}
	if kind != policy.Trust && g.chance(map[string]float64{"Allow": 0.1, "Deny": 0.35}[s.Effect]) {
		s.NotPrincipal = g.notWho(theme)
		return
	}
	s.Principal = g.who(theme)
}

// who draws a Principal, more often than not one that names the theme's caller.
func (g generator) who(theme request) *Who {
	w := &Who{}
	if g.chance(0.12) {
		return w
	}
	for range g.few(2) {
		a := theme.actor
		if g.chance(0.25) {
			a = pick(g, cast)
		}
		g.add(w, a)
	}
	return w
}

// add adds an entry that names a.
func (g generator) add(w *Who, a actor) {
	switch arns := a.arns(); {
	case g.chance(0.04):
		w.CanonicalUser = append(w.CanonicalUser, strings.Repeat("0f", 32))
	case g.chance(0.05) || a.Provider != "" && g.chance(0.5):
		w.Federated = append(w.Federated, pick(g, providers))
	case len(arns) == 0 || g.chance(0.04):
		w.Service = append(w.Service, pick(g, services))
	case g.chance(0.05):
		w.AWS = append(w.AWS, pick(g, []string{"*", third}))
	default:
		w.AWS = append(w.AWS, pick(g, arns))
	}
}

// notWho draws a NotPrincipal: often one that lists all that the caller is.
func (g generator) notWho(theme request) *Who {
	w := g.who(theme)
	if g.chance(0.6) {
		w.AWS = append(w.AWS, theme.actor.arns()...)
		w.Service = append(w.Service, theme.actor.Services...)
	}
	switch {
	case w.everyone() && g.chance(0.8):
		w.AWS = []string{third}
	case g.chance(0.05):
		w.AWS = append(w.AWS, "*")
	}
	return w
}

func (g generator) actionElement(kind policy.Kind, s *Statement, theme request) {
	service, name, _ := strings.Cut(theme.Action, ":")
	var list []string
	for range g.few(2) {
		list = append(list, pick(g, []string{
			g.spelled(theme.Action), theme.Action, service + ":*", service + ":" + name[:2] + "*", service + ":*" + name[len(name)-3:],
			service + ":?" + name[1:], g.spelled(pick(g, actions[ruleNames[theme.Rule]]).Name),
		}))
	}
	switch {
	case kind != policy.RCP && kind != policy.Trust && g.chance(0.12):
		s.NotAction = some(g, []string{g.spelled(theme.Action), service + ":List*", service + ":Put*", "iam:*", service + ":" + name + "?"}, 2)
	case kind != policy.RCP && kind != policy.Trust && g.chance(0.2):
		s.Action = []string{"*"}
	default:
		s.Action = list
	}
}

func (g generator) resourceElement(kind policy.Kind, version string, s *Statement, theme request) {
	if !kind.HasResource() || kind == policy.Key && g.chance(0.04) {
		return
	}
	base := "arn:aws:kms:us-west-2:" + home + ":key/"
	list := []string{"*"}
	if g.chance(0.5) {
		list = some(g, []string{theme.Resource.ARN, keys[0], "arn:aws:kms:*:" + home + ":key/*", base + "????????-12ab-*", "arn:aws:kms:*", "arn:*:kms:us-west-?:*:*/*",
			base + "mrk-*", "arn:aws:kms:us-west-2:" + home + ":alias/*", "arn:aws:kms:eu-central-1:" + home + ":key/*", base + "*a*b*c*", base + "${*}", "*:*:*:*-*-?:*:*/*-*"}, g.few(2))
	}
	if version == policy.Version2012 && g.chance(0.15) {
		list = append(list[:len(list)-1], base+pick(g, []string{"${aws:PrincipalTag/keyid}", "${aws:PrincipalTag/keyid, '" + keyIDs[0] + "'}",
			"${kms:EncryptionContext:dept,'*'}", "*${aws:username}*", "${aws:NoSuchKey}*"}))
	}
	if kind != policy.Trust && g.chance(0.1) {
		s.NotResource = list
		return
	}
	s.Resource = list
}

// few is a length of a list: up to n, seldom up to nine.
func (g generator) few(n int) int {
	if g.chance(0.08) {
		n = 9
	}
	return 1 + g.IntN(n)
}

// guardrails are the policies of a world that can only limit: mostly with a
// document that allows everything beside those that were drawn.
func (g generator) guardrails(kind policy.Kind, themes []request) []Policy {
	return []Policy{full(kind, kind.String()+"-full"), g.document(kind, kind.String()+"-0", themes), g.document(kind, kind.String()+"-1", themes)}
}

// parties draws who may be named by a grant: more often than not the caller.
func (g generator) party(q *request) decision.Party {
	a := q.actor
	if g.chance(0.3) {
		a = pick(g, cast)
	}
	return pick(g, a.parties())
}
