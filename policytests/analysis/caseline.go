package analysis

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A caseLine is a request on its way to words.
type caseLine struct {
	words []string
	// notes say what the world must be like for the line to mean the request.
	notes []string
}

// Case is the request as a case line that expects what the engine decided. What
// a line cannot say of a made-up world is in Note.
func (w *Witness) Case() string { return strings.Join(w.line().words, "  ") }

// CaseThat is the request as a case line that expects a certain answer: what a
// request that was allowed should come to be.
func (w *Witness) CaseThat(allowed bool) string {
	line := w.line()
	if line.words[0] = "deny"; allowed {
		line.words[0] = "allow"
	}
	return strings.Join(line.words, "  ")
}

// Note says what must be so for the request to be possible, beyond what the
// case line says; empty if nothing.
func (w *Witness) Note() string { return strings.Join(w.line().notes, "; ") }

func (w *Witness) line() caseLine {
	verdict := "deny"
	if w.Decision.Allowed {
		verdict = "allow"
	}
	c := caseLine{words: []string{verdict, quote(w.Caller.Name), w.Action}}
	resource := w.on.name
	if alias := w.Keys["kms:requestalias"]; len(alias) > 0 {
		resource = alias[0]
	}
	if account := w.on.asked.Account; resource != "" && account != "" && w.Caller.Account != account && w.on.kind != policy.AliasResource {
		resource += "@" + account
	}
	if w.Caller.provider != "" {
		c.notes = append(c.notes, "case lines have no users of identity providers; the question can be asked with keyreeve decide")
	}
	if resource != "" {
		c.words = append(c.words, quote(resource))
	}
	switch {
	case w.Caller.Variation != "" && !w.Caller.Member:
		c.notes = append(c.notes, w.Caller.Name+" "+w.Caller.Variation)
	case w.on.open && w.Decision.Layer == decision.LayerIdentity && slices.ContainsFunc(w.Question.Identity, isEverything):
		c.notes = append(c.notes, w.Caller.Name+" has IAM policies that allow it")
	}
	c.network(w)
	c.pairs(w)
	c.request(w)
	c.session(w)
	c.made(w)
	if t, ok := w.at(); ok && !t.Equal(defaultNow) {
		c.words = append(c.words, "at "+t.UTC().Format(time.RFC3339))
	}
	return c
}

func isEverything(p decision.Policy) bool { return p.Document == everything.Document }

// quote puts a word in quotes if it needs them.
func quote(text string) string {
	if text != "" && !strings.ContainsAny(text, " \t\n\"#[]=,") {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

func (c *caseLine) set(key string, values []string) {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	switch {
	case len(values) == 1 && !multiValued(key):
		c.words = append(c.words, quote(key)+"="+quoted[0])
	case len(values) > 0:
		c.words = append(c.words, quote(key)+"=["+strings.Join(quoted, ", ")+"]")
	}
}

// network says by which way the request comes.
func (c *caseLine) network(w *Witness) {
	if chain := w.Keys["aws:calledvia"]; len(chain) > 0 {
		word := quote(chain[0])
		if len(chain) > 1 {
			word = "[" + strings.Join(chain, ", ") + "]"
		}
		c.words = append(c.words, "via service "+word)
		if v := w.Keys["aws:sourceip"]; len(v) > 0 && v[0] != serviceAddress {
			c.set("aws:SourceIp", v)
		}
		if v := w.Keys["kms:grantisforawsresource"]; len(v) > 0 && v[0] == "false" {
			c.set("kms:GrantIsForAWSResource", v)
		}
		return
	}
	if w.by.endpoint != nil {
		id := w.by.endpoint.ID
		if v := w.Keys["aws:sourcevpce"]; len(v) > 0 {
			id = v[0]
		}
		c.words = append(c.words, "via endpoint "+id)
		if vpc := w.Keys["aws:sourcevpc"]; w.by.open && len(vpc) > 0 {
			c.notes = append(c.notes, "the endpoint is in "+vpc[0])
		}
	}
	for _, key := range []string{"aws:sourceip", "aws:vpcsourceip"} {
		if v := w.Keys[key]; len(v) > 0 && v[0] != clientAddress {
			c.set(ruleOf(key), v)
		}
	}
}

// pairs are those of the encryption context, and the tags of the request.
func (c *caseLine) pairs(w *Witness) {
	for i, d := range w.dims {
		o := d.options[w.chosen[i]]
		switch {
		case o.name == "":
		case strings.HasPrefix(d.name, encryptionContext):
			c.each("kms:EncryptionContext:", o.pairs())
		case w.carries(requestTag):
			c.each("aws:RequestTag/", o.pairs())
		}
	}
	if names := w.Question.Context[tagKeys]; len(names) > 0 && !w.carries(requestTag) {
		c.words = append(c.words, "aws:TagKeys=["+strings.Join(names, ", ")+"]")
	}
	if kind := w.Question.Context["kms:grantconstrainttype"]; w.Action == "kms:CreateGrant" && len(w.Question.EncryptionContext) > 0 {
		c.set("kms:GrantConstraintType", kind)
	}
}

func (c *caseLine) each(prefix string, pairs map[string]string) {
	for _, name := range sortedKeys(pairs) {
		c.words = append(c.words, quote(prefix+name)+"="+quote(pairs[name]))
	}
}

// carries tells whether requests for the action can hold the keys of a prefix.
func (w *Witness) carries(prefix string) bool {
	a, _ := policy.ActionNamed(w.Action)
	return slices.ContainsFunc(a.ConditionKeys, func(k string) bool { return strings.EqualFold(k, prefix) })
}

// request are the other condition keys that requests bring.
func (c *caseLine) request(w *Witness) {
	defaults := ask.Defaults(w.Action)
	for _, key := range sortedKeys(w.Keys) {
		values := w.Keys[key]
		source := info(key).source
		switch {
		case source == fromSource && key != "aws:sourcearn" && key != "aws:sourceaccount":
			continue
		case source != fromRequest && source != fromSource, key == "kms:requestalias", key == "kms:grantconstrainttype",
			key == "aws:sourceidentity":
			continue
		case slices.Equal(values, defaults[key]), key == "aws:securetransport" && slices.Equal(values, []string{"true"}):
			continue
		case len(values) == 0 && defaults[key] != nil:
			c.words = append(c.words, "!"+ruleOf(key))
			continue
		}
		c.set(ruleOf(key), values)
	}
}

// session are the properties of the caller's credentials.
func (c *caseLine) session(w *Witness) {
	if v := w.Keys["aws:sourceidentity"]; len(v) > 0 {
		c.words = append(c.words, "with source-identity "+quote(v[0]))
	}
	if _, asked := w.Keys["aws:tokenissuetime"]; !asked {
		return
	}
	issued, age := w.Keys["aws:tokenissuetime"], w.Keys["aws:multifactorauthage"]
	long := w.Caller.Type == decision.User || w.Caller.Type == decision.Root
	switch {
	case len(age) > 0:
		c.words = append(c.words, "with mfa "+age[0])
	case len(issued) > 0 && long:
		c.words = append(c.words, "with mfa none")
	}
	if len(issued) > 0 && issued[0] != defaultNow.Format(time.RFC3339) {
		c.notes = append(c.notes, "the session began at "+issued[0])
	}
}

// made tells what a made-up caller or key must be like.
func (c *caseLine) made(w *Witness) {
	for _, key := range sortedKeys(w.Keys) {
		values := w.Keys[key]
		if len(values) == 0 {
			continue
		}
		text := strings.Join(values, ", ")
		switch i := info(key); i.source {
		case fromTags:
			if w.Caller.Type == decision.Role {
				c.words = append(c.words, "with tag "+quote(key[len(principalTag):])+"="+quote(values[0]))
			} else {
				c.notes = append(c.notes, fmt.Sprintf("the caller has the tag %s=%s", key[len(principalTag):], text))
			}
		case fromProvider, fromClaims:
			c.notes = append(c.notes, ruleOf(key)+" is "+text)
		case fromKeyTags:
			c.notes = append(c.notes, fmt.Sprintf("the key has the tag %s=%s", key[len(resourceTag):], text))
		case fromOrg, fromResourceOrg, fromCaller, fromResource:
			usual := i.source == fromResource && isUsual(key, text)
			if w.on.open && !usual && i.key != "aws:resourceorgid" && i.key != "aws:resourceorgpaths" {
				c.notes = append(c.notes, ruleOf(key)+" is "+text)
			}
		}
	}
	if w.Caller.Member {
		c.notes = append(c.notes, "account "+w.Caller.Account+" stands for any of "+organizationOf(w))
	}
	if w.Caller.Outside {
		c.notes = append(c.notes, "account "+w.Caller.Account+" stands for any that the policies do not name")
	}
}

// organizationOf names the organization of the caller.
func organizationOf(w *Witness) string {
	if id := w.Keys["aws:principalorgid"]; len(id) == 1 {
		return "organization " + id[0]
	}
	return "some organization"
}

// isUsual tells whether a key of the service that nobody describes is so.
func isUsual(key, value string) bool {
	return key == "kms:multiregion" && value == "false" || value == "SYMMETRIC_DEFAULT" || value == "ENCRYPT_DECRYPT" || value == "AWS_KMS"
}

// Lint is the witness as findings have it.
func (w *Witness) Lint(note string) (lint.Witness, error) {
	question, err := w.JSON()
	if err != nil {
		return lint.Witness{}, err
	}
	more := w.Note()
	if note != "" && more != "" {
		note += "; "
	}
	return lint.Witness{Case: w.Case(), Question: question, Allowed: w.Decision.Allowed, Note: note + more}, nil
}

// JSON is the question in the form of engine/question, which keyreeve decide
// reads.
func (w *Witness) JSON() (json.RawMessage, error) { return questionJSON(&w.Question) }
