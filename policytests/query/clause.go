package query

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// The condition keys of encryption contexts, whose names keep their case.
const (
	contextPrefix = "kms:encryptioncontext:"
	contextKeys   = "kms:encryptioncontextkeys"
)

// asking is a change of the request after which a condition key is as wished;
// false if a caller has no say in it. Whether the request can be is for the
// Asker to tell.
func (s *search) asking(c policy.Condition, w wish, q *decision.Question) (change, bool) {
	if set, known := askers[c.Key]; known {
		text, request, ok := set(s, w, q)
		return change{Edit: Edit{Op: OpRequest, Words: text.words, Clause: text.clause}, request: request}, ok
	}
	if name, isTag := strings.CutPrefix(c.Key, "aws:principaltag/"); isTag {
		return s.sessionTag(c.KeyText[len(c.KeyText)-len(name):], w, q)
	}
	row, known := policy.ConditionKeyNamed(c.Key)
	if !known || row.Absent {
		return change{}, false
	}
	key := row.Name
	if row.Prefix() {
		key += c.KeyText[len(row.Name):]
	}
	if w.absent {
		return change{Edit: Edit{Op: OpRequest, Clause: "!" + key, Words: "ask without " + key}, request: func(r *caseline.Request) { unset(r, key, true) }}, true
	}
	p := caseline.Pair{Key: key, Values: []string{w.value}}
	return change{Edit: Edit{Op: OpRequest, Clause: pair(p), Words: "ask with " + pair(p)}, request: func(r *caseline.Request) { set(r, p) }}, true
}

// unset takes a condition key out of a request.
func unset(r *caseline.Request, key string, absent bool) {
	same := func(p caseline.Pair) bool { return strings.EqualFold(p.Key, key) }
	had := slices.ContainsFunc(r.Keys, same)
	r.Keys = slices.DeleteFunc(slices.Clone(r.Keys), same)
	if absent && !had {
		r.Absent = append(slices.Clone(r.Absent), caseline.Word{Text: key})
	}
}

// set gives a request a condition key. A set of values grows.
func set(r *caseline.Request, p caseline.Pair) {
	unset(r, p.Key, false)
	r.Absent = slices.DeleteFunc(slices.Clone(r.Absent), func(w caseline.Word) bool { return strings.EqualFold(w.Text, p.Key) })
	r.Keys = append(slices.Clone(r.Keys), p)
}

// said is a change of the request in words and as a clause.
type said struct{ words, clause string }

// askers change what a case line does not write as a condition key.
var askers = map[string]func(*search, wish, *decision.Question) (said, func(*caseline.Request), bool){
	contextKeys: func(_ *search, w wish, _ *decision.Question) (said, func(*caseline.Request), bool) {
		p := caseline.Pair{Key: "kms:EncryptionContext:" + w.value, Values: []string{"x"}}
		return said{"ask with a pair " + w.value + " in the encryption context", pair(p)}, func(r *caseline.Request) { set(r, p) }, !w.absent
	},
	"kms:viaservice": func(s *search, w wish, q *decision.Question) (said, func(*caseline.Request), bool) {
		return s.viaService(w, func(principal, via string) bool { return via == w.value }, q)
	},
	"aws:calledvia":      calledVia,
	"aws:calledviafirst": calledVia,
	"aws:calledvialast":  calledVia,
	"aws:viaawsservice": func(s *search, w wish, q *decision.Question) (said, func(*caseline.Request), bool) {
		w.absent = w.absent || w.value == "false"
		return s.viaService(w, func(string, string) bool { return true }, q)
	},
	"aws:sourcevpce": func(s *search, w wish, q *decision.Question) (said, func(*caseline.Request), bool) {
		return s.viaEndpoint(w, func(id, vpc string) bool { return id == w.value }, q)
	},
	"aws:sourcevpc": func(s *search, w wish, q *decision.Question) (said, func(*caseline.Request), bool) {
		return s.viaEndpoint(w, func(id, vpc string) bool { return vpc == w.value }, q)
	},
	"aws:multifactorauthpresent": func(_ *search, w wish, _ *decision.Question) (said, func(*caseline.Request), bool) {
		return withMFA(60, !w.absent && w.value == "true")
	},
	"aws:multifactorauthage": func(_ *search, w wish, _ *decision.Question) (said, func(*caseline.Request), bool) {
		seconds, err := strconv.Atoi(w.value)
		return withMFA(seconds, !w.absent && err == nil)
	},
	"aws:sourceidentity": func(_ *search, w wish, _ *decision.Question) (said, func(*caseline.Request), bool) {
		return said{"assume the role with the source identity " + w.value, "with source-identity " + word(w.value, false)}, func(r *caseline.Request) {
			r.Session.Given, r.Session.SourceIdentity = true, caseline.Word{Text: w.value}
		}, !w.absent
	},
	"aws:currenttime": atTime,
	"aws:epochtime":   atTime,
	"kms:requestalias": func(s *search, w wish, q *decision.Question) (said, func(*caseline.Request), bool) {
		k := s.b.key(q)
		if w.absent && k != nil {
			name := s.b.keyName(k)
			return said{"name the key by id: " + name, name}, func(r *caseline.Request) { r.Resources = []caseline.Word{{Text: name}} }, true
		}
		return said{"name the key by its alias: " + w.value, w.value}, func(r *caseline.Request) {
			r.Resources = []caseline.Word{{Text: w.value}}
		}, k != nil && contains(k.Aliases, w.value)
	},
}

func calledVia(s *search, w wish, q *decision.Question) (said, func(*caseline.Request), bool) {
	return s.viaService(w, func(principal, via string) bool { return principal == w.value }, q)
}

// viaService has a service make the request, or no service.
func (s *search) viaService(w wish, is func(principal, via string) bool, q *decision.Question) (said, func(*caseline.Request), bool) {
	if w.absent {
		return said{"ask directly, not through a service", ""}, func(r *caseline.Request) { r.Services = nil }, len(s.request.Services) > 0
	}
	for _, service := range s.b.cfg.World.Services() {
		if !is(service.Principal, service.Via(regionOf(q))) {
			continue
		}
		name := service.Principal
		return said{"ask through the service " + name, "via service " + name}, func(r *caseline.Request) {
			r.Services, r.Endpoint = []caseline.Word{{Text: name}}, caseline.Word{}
		}, true
	}
	return said{}, nil, false
}

// viaEndpoint has the request come through a VPC endpoint, or through none.
func (s *search) viaEndpoint(w wish, is func(id, vpc string) bool, q *decision.Question) (said, func(*caseline.Request), bool) {
	if w.absent {
		return said{"ask over the public endpoint, not through a VPC endpoint", ""}, func(r *caseline.Request) { r.Endpoint = caseline.Word{} }, s.request.Endpoint.Text != ""
	}
	for _, e := range s.b.cfg.World.Endpoints() {
		if e.Region != regionOf(q) || !is(e.ID, e.VPC) {
			continue
		}
		id := e.ID
		return said{"ask through the VPC endpoint " + id, "via endpoint " + id}, func(r *caseline.Request) {
			r.Endpoint, r.Services = caseline.Word{Text: id}, nil
		}, true
	}
	return said{}, nil, false
}

func withMFA(seconds int, ok bool) (said, func(*caseline.Request), bool) {
	m := caseline.MFA{Given: true, Present: true, Age: time.Duration(seconds) * time.Second}
	clause := "with mfa " + strconv.Itoa(seconds)
	return said{"prove MFA before asking (" + clause + ")", clause}, func(r *caseline.Request) {
		r.Session.Given, r.Session.MFA = true, m
	}, ok
}

func atTime(_ *search, w wish, _ *decision.Question) (said, func(*caseline.Request), bool) {
	t, ok := policy.Date(w.value)
	clause := "at " + t.UTC().Format(time.RFC3339)
	return said{"ask " + clause, clause}, func(r *caseline.Request) { r.At = t }, ok && !w.absent
}

// sessionTag gives the session of a role a tag, and anybody else one of their
// own.
func (s *search) sessionTag(name string, w wish, q *decision.Question) (change, bool) {
	if w.absent {
		return change{}, false
	}
	p := caseline.Pair{Key: name, Values: []string{w.value}}
	if q.Principal.Type != decision.Role {
		return change{}, false
	}
	clause := "with tag " + pair(p)
	return change{Edit: Edit{Op: OpRequest, Words: "assume the role with the session tag " + pair(p), Clause: clause}, request: func(r *caseline.Request) {
		r.Session.Given = true
		r.Session.Tags = append(slices.DeleteFunc(slices.Clone(r.Session.Tags), func(t caseline.Pair) bool { return strings.EqualFold(t.Key, name) }), p)
	}}, true
}

// regionOf is that of the request.
func regionOf(q *decision.Question) string {
	if all := q.Context["aws:requestedregion"]; len(all) == 1 {
		return all[0]
	}
	return ""
}

// tagging is a tag or alias after which a condition key is as wished.
func (s *search) tagging(c policy.Condition, w wish, q *decision.Question) (change, bool) {
	if w.absent {
		return change{}, false
	}
	e := Edit{Op: OpTag}
	switch {
	case strings.HasPrefix(c.Key, "aws:principaltag/"):
		e.Words = "tag " + s.b.principalName(q.Principal) + " with " + tag(c, "aws:principaltag/", w)
		if q.Principal.Type == decision.Root || q.Principal.Type == decision.Service {
			return change{}, false
		}
	case strings.HasPrefix(c.Key, "aws:resourcetag/") && s.b.key(q) != nil:
		e.Words = "tag " + s.b.resourceName(q) + " with " + tag(c, "aws:resourcetag/", w)
	case c.Key == "kms:resourcealiases" && s.b.key(q) != nil:
		e.Words = "give " + s.b.resourceName(q) + " the alias " + w.value
	default:
		return change{}, false
	}
	return change{Edit: e, question: func(q *decision.Question) error {
		own := make(map[string][]string, len(q.Context)+1)
		for k, v := range q.Context {
			own[k] = v
		}
		if c.Key == "kms:resourcealiases" {
			own[c.Key] = append(slices.Clone(own[c.Key]), w.value)
		} else {
			own[c.Key] = []string{w.value}
		}
		q.Context = own
		return nil
	}}, true
}

func tag(c policy.Condition, prefix string, w wish) string {
	return pair(caseline.Pair{Key: c.KeyText[len(prefix):], Values: []string{w.value}})
}
