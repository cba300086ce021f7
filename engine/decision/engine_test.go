package decision

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lib"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// library parses the Rego library with one text replaced by another.
func library(t *testing.T, old, changed string) map[string]*ast.Module {
	t.Helper()
	texts, err := lib.Files()
	require.NoError(t, err)
	modules := map[string]*ast.Module{}
	found := false
	for name, text := range texts {
		found = found || strings.Contains(text, old)
		m, err := ast.ParseModule(name, strings.ReplaceAll(text, old, changed))
		require.NoError(t, err)
		modules[name] = m
	}
	require.True(t, found, "%q is in no file", old)
	return modules
}

func TestEngineRefusesToStartOnWrongSamples(t *testing.T) {
	_, err := build(Config{}, library(t, `input.principal.account == input.resource.account`, `true`))
	assert.ErrorIs(t, err, errSample)
	_, err = build(Config{}, library(t, `"allow": false`, `"allow": true`))
	assert.ErrorIs(t, err, errShape)
	_, err = build(Config{}, library(t, `else := _refusal("no-allow", _lacking)`, ``))
	assert.ErrorIs(t, err, errNoAnswer)
	_, err = build(Config{}, library(t, `"grants": []}`, `"grants": [], "more": 1}`))
	assert.ErrorIs(t, err, errShape)
	_, err = build(Config{}, library(t, `_permission if _open[_]`, `_permission if count(input.rule + 1) > 0`))
	require.Error(t, err)
	_, err = build(Config{}, library(t, `_permission if _open[_]`, `_permission if to_number(input.rule) > 0`))
	assert.ErrorContains(t, err, "eval_builtin_error")
	_, err = build(Config{}, library(t, `else := "resource"`, `else := no_such_rule`))
	assert.ErrorIs(t, err, errCompile)
}

func TestMalformedQuestionsAreErrors(t *testing.T) {
	e, err := testEngine()
	require.NoError(t, err)
	for says, asked := range map[string]Question{
		"the zero question":            {},
		"no rule":                      ask(rule(0)),
		"no such rule":                 ask(rule(Trust + 1)),
		"no action":                    ask(action("")),
		"no resource":                  ask(func(q *Question) { q.Resource.ARN = "" }),
		"no owner":                     ask(func(q *Question) { q.Resource.Account = "" }),
		"an anonymous caller":          ask(by(Principal{})),
		"an unknown type":              ask(by(Principal{Type: "anonymous", Account: home})),
		"a user without id":            ask(by(Principal{Type: User, Account: home})),
		"a user without account":       ask(by(Principal{Type: User, User: "AIDAANN"})),
		"a root user with a user's id": ask(by(Principal{Type: Root, Account: home, User: "AIDAANN"})),
		"a user with a session":        ask(by(Principal{Type: User, Account: home, User: "AIDAANN", Session: "AIDAANN:s"})),
		"a role without session":       ask(by(Principal{Type: Role, Account: home, Role: "AROAPAYROLL"})),
		"a service with an account":    ask(by(Principal{Type: Service, Account: home, Services: []string{"s3.amazonaws.com"}})),
		"a service without name":       ask(by(Principal{Type: Service, Services: []string{""}})),
		"an empty context value":       ask(func(q *Question) { q.Context["aws:x"] = nil }),
		"a context key in upper case":  ask(func(q *Question) { q.Context["aws:Principal"] = []string{"x"} }),
		"RetireGrant by key policy":    ask(action(retireGrant)),
		"Decrypt by the grants' rule":  ask(rule(GrantOnly)),
		"a grant without id":           ask(func(q *Question) { q.Grants = []Grant{{}} }),
		"no document":                  ask(func(q *Question) { q.KeyPolicy = &Policy{} }),
		"an IAM policy as key policy":  ask(func(q *Question) { q.KeyPolicy = ptr(document(policy.Identity, "iam", allow("", "kms:*"))) }),
		"a key policy as IAM policy":   ask(func(q *Question) { q.Identity = []Policy{*q.KeyPolicy} }),
		"a key policy as trust policy": ask(rule(Trust)),
	} {
		t.Run(says, func(t *testing.T) {
			d, err := e.Decide(t.Context(), asked)
			assert.ErrorIs(t, err, errQuestion)
			assert.Equal(t, Decision{}, d)
		})
	}
}

func TestCancelledContextIsAnError(t *testing.T) {
	e, err := testEngine()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err := e.Decide(ctx, ask(keySays(allow("*", "kms:*"))))
	assert.ErrorIs(t, err, context.Canceled)
	assert.False(t, d.Allowed)
}

func TestQuestionIsLeftAsItIs(t *testing.T) {
	q := ask(by(xena), granted(to(ViaUser, "AIDABEN")), iamSays(allow("", "s3:*")))
	before := toJSON(t, q)
	decided(t, q)
	assert.JSONEq(t, before, toJSON(t, q))
}

// Names that mean something elsewhere mean nothing in a context, a session or
// a resource.
func TestHostileNames(t *testing.T) {
	hostile := []string{"*", "?", "${aws:username}", `"`, "\x00", "'); allow", "{{", "data.keyreeve", strings.Repeat("a*", 4096), "\xff\xfe", "\u202e", "null"}
	e, err := testEngine()
	require.NoError(t, err)
	for _, name := range hostile {
		p := payroll
		p.Session, p.ARN = "AROAPAYROLL:"+name, "arn:aws:sts::111122223333:assumed-role/payroll/"+name
		q := ask(by(p), keySays(allow("assumed-role/payroll/worker", "kms:*"), allowIf("*", "kms:*", `{"StringEquals": {"aws:PrincipalTag/x": "y"}}`)),
			iamSays(allow("", "s3:*")), granted(to(ViaSession, name)), granted(Grant{Grantee: Party{Via(name), name}}))
		q.Context["aws:principaltag/x"] = []string{name}
		q.Context["kms:encryptioncontext:"+strings.ToLower(name)] = []string{name, name}
		q.EncryptionContext = map[string]string{name: name}
		q.Resource.ARN = "arn:aws:kms:us-west-2:111122223333:key/" + name
		d, err := e.Decide(t.Context(), q)
		require.NoError(t, err, "%q", name)
		assert.False(t, d.Allowed, "%q", name)
		assert.Equal(t, "no-allow resource", verdictOf(d), "%q", name)
		assert.True(t, bytes.HasPrefix([]byte(d.Sentence()), []byte("User: arn:aws:sts::")))
	}
}
