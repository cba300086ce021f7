package decision

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/guardrail"
)

// guardrailOf loads guardrails of the rules in text.
func guardrailOf(t *testing.T, text string) *guardrail.Set {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "g.rego"), []byte("package keyreeve.guardrail\n\n"+text), 0o600))
	s, err := guardrail.LoadDir(dir)
	require.NoError(t, err)
	return s
}

// guarded is an engine under guardrails. Its limit does not depend on how busy
// the machine is.
func guarded(t *testing.T, c Config, text string) *Engine {
	t.Helper()
	set := guardrailOf(t, text)
	c.Guardrails, c.GuardrailLimit = func() *guardrail.Set { return set }, time.Minute
	e, err := New(c)
	require.NoError(t, err)
	return e
}

const viaS3 = `deny contains "not through S3" if "s3.us-west-2.amazonaws.com" in input.context["kms:viaservice"]`

func TestGuardrailsRefuseWhateverPoliciesSay(t *testing.T) {
	e := guarded(t, Config{}, viaS3)
	for name, q := range map[string]Question{
		"the key policy":               ask(keySays(allow("user/ann", "kms:*"))),
		"IAM policies":                 ask(keySays(delegates), iamSays(allow("", "kms:*"))),
		"a grant":                      ask(granted(to(ViaUser, "AIDAANN"))),
		"the root user":                ask(by(root), keySays(delegates)),
		"a service-linked role":        ask(by(linked), keySays(allow("*", "kms:*"))),
		"a service":                    ask(by(logs), keySays(allow("logs.amazonaws.com", "kms:*"))),
		"nobody, who would be refused": ask(),
		"a deny in an SCP":             ask(scpSays(deny("", "kms:*"))),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := e.Decide(t.Context(), q)
			require.NoError(t, err)
			assert.Equal(t, "explicit-deny guardrail", verdictOf(d))
			assert.False(t, d.Allowed)
		})
	}
}

func TestGuardrailsThatSayNothingAllowNothing(t *testing.T) {
	e := guarded(t, Config{}, `deny contains "never" if input.action == "kms:Encrypt"`)
	for _, c := range []struct {
		q    Question
		want string
	}{
		{ask(keySays(allow("user/ann", "kms:*"))), "allow resource"},
		{ask(), "no-allow resource"},
	} {
		d, err := e.Decide(t.Context(), c.q)
		require.NoError(t, err)
		assert.Equal(t, c.want, verdictOf(d))
		assert.Equal(t, LayerEvidence{Layer: LayerGuardrail, Said: SaidNothing, Statements: []Statement{}}, d.Evidence().Layers[0])
	}
}

func TestARefusalByGuardrailsSaysWhy(t *testing.T) {
	e := guarded(t, Config{}, viaS3+"\n\ndeny contains \"it is late\"\n")
	d, err := e.Decide(t.Context(), ask(keySays(allow("user/ann", "kms:*"))))
	require.NoError(t, err)
	assert.Equal(t, "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: kms:Decrypt on resource: "+keyARN+
		" with an explicit deny in a guardrail: it is late; not through S3", d.Sentence())
	evidence := d.Evidence()
	require.Len(t, evidence.SettledBy, 2)
	assert.Equal(t, Statement{Layer: LayerGuardrail, Policy: "keyreeve.guardrail", Reason: "not through S3", Effect: "Deny", Index: 1,
		Path: "data.keyreeve.guardrail.deny", Via: []Via{ViaPolicy}}, evidence.SettledBy[1])
	assert.Equal(t, SaidDeny, evidence.Layers[0].Said)
	assert.Nil(t, evidence.Nearest)
	assert.JSONEq(t, toJSON(t, evidence), toJSON(t, d.CallerView()))
}

// What a caller of another account is told does not depend on the key.
func TestGuardrailsTellForeignersNothingOfTheKey(t *testing.T) {
	e := guarded(t, Config{}, `deny contains "RSA only" if input.context["kms:keyspec"] != ["RSA_2048"]

deny contains "never" if input.action == "kms:Encrypt"`)
	who := []change{by(xena), iamSays(allow("", "kms:*")), keySays(allow("*", "kms:*"))}
	spec := func(q *Question) { q.Context["kms:keyspec"] = []string{"SYMMETRIC_DEFAULT"} }
	d, err := e.Decide(t.Context(), ask(append(who, spec)...))
	require.NoError(t, err)
	assert.Equal(t, "explicit-deny guardrail", verdictOf(d))
	absentKey, err := e.Decide(t.Context(), ask(append(who, absent)...))
	require.NoError(t, err)
	assert.Equal(t, absentKey.Sentence(), d.Sentence())
	assert.JSONEq(t, toJSON(t, absentKey.CallerView()), toJSON(t, d.CallerView()))

	d, err = e.Decide(t.Context(), ask(append(who, action("kms:Encrypt"))...))
	require.NoError(t, err)
	assert.Contains(t, d.Sentence(), "in a guardrail: never", "what the request says is no secret")
}

func TestUnguardedQuestionsAreAboutPolicies(t *testing.T) {
	e := guarded(t, Config{}, viaS3)
	q := ask(keySays(allow("user/ann", "kms:*")))
	q.Unguarded = true
	d, err := e.Decide(t.Context(), q)
	require.NoError(t, err)
	assert.Equal(t, "allow resource", verdictOf(d))
	assert.Equal(t, LayerSCP, d.Evidence().Layers[0].Layer)
}

func TestWhatGuardrailsSaidIsRemembered(t *testing.T) {
	e := guarded(t, Config{Cache: true}, `deny contains sprintf("not to %v", [input.context["kms:viaservice"]]) if input.action == "kms:Decrypt"`)
	refused := func(q Question) string {
		d, err := e.Decide(t.Context(), q)
		require.NoError(t, err)
		return d.Sentence()
	}
	via := func(services ...string) change { return func(q *Question) { q.Context["kms:viaservice"] = services } }
	other := func(q *Question) { q.Context["aws:username"] = []string{"ann"} }
	first := refused(ask())
	assert.Equal(t, first, refused(ask(other)), "a condition key that they do not read")
	assert.Equal(t, uint64(1), e.refusals.hits.Load())
	assert.Equal(t, uint64(1), e.refusals.misses.Load())
	assert.Contains(t, refused(ask(via("a", "b"))), `not to ["a", "b"]`)
	assert.Contains(t, refused(ask(via("b", "a"))), `not to ["b", "a"]`, "guardrails may tell the order of values")
	assert.NotContains(t, refused(ask(action("kms:Encrypt"))), "guardrail")
	assert.Equal(t, uint64(1), e.refusals.hits.Load())
}

func TestGuardrailsThatReadEverythingAreAskedEachTime(t *testing.T) {
	e := guarded(t, Config{Cache: true}, `deny contains "a value is secret" if "secret" in input.context[_]`)
	for _, value := range []string{"open", "secret", "open"} {
		d, err := e.Decide(t.Context(), ask(func(q *Question) { q.Context["anything"] = []string{value} }))
		require.NoError(t, err)
		assert.Equal(t, value == "secret", d.Layer == LayerGuardrail, value)
	}
	assert.Zero(t, e.refusals.hits.Load())
}

func TestARememberedRefusalIsHeldAgainstAFreshOne(t *testing.T) {
	e := guarded(t, Config{Cache: true, VerifyEvery: 1}, viaS3)
	q := ask()
	_, err := e.Decide(t.Context(), q)
	require.NoError(t, err)
	q.guardrails = e.guarding.Load()
	e.refusals.keep(q.guardrails.key(nil, &q), &refusal{})
	_, err = e.Decide(t.Context(), q)
	assert.ErrorIs(t, err, errRemembered)
	assert.Equal(t, uint64(1), e.Stats().Differences)
}

func TestOtherGuardrailsAreInForceAtOnce(t *testing.T) {
	set := guardrailOf(t, viaS3)
	e, err := New(Config{Limit: PatientLimit, Cache: true, Guardrails: func() *guardrail.Set { return set }, GuardrailLimit: time.Minute})
	require.NoError(t, err)
	said := func() string {
		d, err := e.Decide(t.Context(), ask(keySays(allow("user/ann", "kms:*"))))
		require.NoError(t, err)
		return verdictOf(d)
	}
	assert.Equal(t, "explicit-deny guardrail", said())
	set = guardrailOf(t, `deny contains "x" if "ec2.us-west-2.amazonaws.com" in input.context["kms:viaservice"]`)
	assert.Equal(t, "allow resource", said())
	set = nil
	assert.Equal(t, "allow resource", said())
	set = guardrailOf(t, viaS3)
	assert.Equal(t, "explicit-deny guardrail", said())
}

func TestGuardrailsWithoutAnAnswerFailTheCallAndAlarm(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		limit time.Duration
	}{
		"an error":      {`deny contains "x" if to_number(input.context["kms:viaservice"][0]) > 1`, time.Minute},
		"no sentence":   {`deny contains 7`, time.Minute},
		"no end either": {"deny contains \"x\" if {\n\tsome a in numbers.range(1, 5000)\n\tsome b in numbers.range(1, 5000)\n\ta * b < 0\n}", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			e := guarded(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, c.text)
			e.config.GuardrailLimit = c.limit
			d, err := e.Decide(t.Context(), ask(keySays(allow("user/ann", "kms:*"))))
			require.Error(t, err)
			assert.False(t, d.Allowed)
			assert.Contains(t, log.String(), "alarm: the guardrails")
		})
	}
}
