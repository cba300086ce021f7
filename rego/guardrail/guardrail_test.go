package guardrail_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/guardrail"
)

// written puts files into a directory.
func written(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

// module is a guardrail of one rule.
func module(rule string) map[string]string {
	return map[string]string{"g.rego": "package keyreeve.guardrail\n\n" + rule}
}

func loaded(t testing.TB, files map[string]string) *guardrail.Set {
	t.Helper()
	s, err := guardrail.LoadDir(written(t, files))
	require.NoError(t, err)
	return s
}

// request is an input with condition keys.
func request(context string) *ast.Term {
	return ast.MustParseTerm(`{"action": "kms:Decrypt", "resource": "*", "context": ` + context +
		`, "principal": {"type": "user", "account": "111122223333", "user": "AIDABOB", "boundary": false}}`)
}

const generous = time.Minute

func TestGuardrailsRefuseWithReasons(t *testing.T) {
	s := loaded(t, map[string]string{
		"office.rego": `package keyreeve.guardrail

deny contains "only from the office" if {
	some address in input.context["aws:sourceip"]
	not net.cidr_contains(data.keyreeve.guardrail.office, address)
}
`,
		"team/names.rego": `package keyreeve.guardrail.names

blocked := {"eve"}
`,
		"names.rego": `package keyreeve.guardrail

import data.keyreeve.guardrail.names

deny contains sprintf("%s is blocked", [name]) if {
	some name in input.context["aws:username"]
	name in names.blocked
}
`,
		"names_test.rego": `this is no Rego, and no guardrail`,
		"data.json":       `{"keyreeve": {"guardrail": {"office": "10.0.0.0/8"}}}`,
	})
	for context, want := range map[string][]string{
		`{}`: {},
		`{"aws:sourceip": ["10.1.2.3"], "aws:username": ["bob"]}`:  {},
		`{"aws:sourceip": ["192.0.2.1"], "aws:username": ["eve"]}`: {"eve is blocked", "only from the office"},
	} {
		reasons, err := s.Deny(t.Context(), request(context), generous)
		require.NoError(t, err)
		assert.Equal(t, want, reasons, context)
	}
	assert.Equal(t, []string{"context.aws:sourceip", "context.aws:username"}, s.Footprint)
	assert.False(t, s.Clock)
}

func TestTheFootprintIsWhatIsRead(t *testing.T) {
	for rule, want := range map[string]string{
		`deny contains "x" if input.action == "kms:Encrypt"`:                           "action",
		`deny contains "x" if input.principal.role == "AROA"`:                          "principal.role",
		`deny contains "x" if input.resource == input.context["aws:principalarn"][0]`:  "context.aws:principalarn resource",
		`deny contains key if some key, _ in input.context`:                            "context",
		`deny contains "x" if input.context[input.action]`:                             "action context",
		`deny contains "x" if { p := input.principal; p.user; input.principal.role }`:  "principal",
		`deny contains "x" if { i := input; i.action }`:                                "action context principal resource",
		`deny contains "x" if object.get(input, ["context", "aws:sourceip"], "") == 1`: "action context principal resource",
		`deny contains "x" if input[["action"][0]]`:                                    "action context principal resource",
		`deny contains "x" if count([1 | input.action]) == 0`:                          "action",
		`deny contains "x" if every v in input.context.a { v == input.resource }`:      "context.a resource",
	} {
		assert.Equal(t, want, strings.Join(loaded(t, module(rule)).Footprint, " "), rule)
	}
	assert.True(t, loaded(t, module(`deny contains "x" if input.context["aws:currenttime"]`)).Clock)
	assert.True(t, loaded(t, module(`deny contains k if some k, _ in input.context`)).Clock)
}

func TestWhatIsNoGuardrailIsRefusedWithFileAndLine(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"does not parse":            {module(`deny contains if`), `g.rego:3: `},
		"does not compile":          {module(`deny contains x if true`), `g.rego:3: var x is unsafe`},
		"not strict":                {module("deny contains \"x\" if {\n\ty := 1\n}"), `g.rego:4: assigned var y unused`},
		"another package":           {map[string]string{"g.rego": "package other\n\ndeny contains \"x\""}, `g.rego:1: the package is other`},
		"a package of like name":    {map[string]string{"g.rego": "package keyreeve.guardrails\n\ndeny contains \"x\""}, `g.rego:1: the package is keyreeve.guardrails`},
		"network":                   {module(`deny contains "x" if http.send({"url": "http://x"})`), `g.rego:3: http.send depends on network, clock or chance`},
		"name service":              {module(`deny contains "x" if net.lookup_ip_addr("x")`), `g.rego:3: net.lookup_ip_addr depends`},
		"clock":                     {module(`deny contains "x" if time.now_ns() > 1`), `g.rego:3: time.now_ns depends`},
		"clock, behind a token":     {module(`deny contains "x" if io.jwt.decode_verify("", {})[0]`), `g.rego:3: io.jwt.decode_verify depends`},
		"chance":                    {module(`deny contains "x" if rand.intn("x", 2) == 1`), `g.rego:3: rand.intn depends`},
		"unique ids":                {module(`deny contains uuid.rfc4122("x")`), `g.rego:3: uuid.rfc4122 depends`},
		"the environment":           {module(`deny contains "x" if opa.runtime().env.HOME`), `g.rego:3: opa.runtime depends`},
		"network, mocked":           {module(`deny contains "x" if count("x") == 1 with http.send as {}`), `g.rego:3: http.send depends`},
		"an unknown function":       {module(`deny contains "x" if kms.decrypt("x")`), `g.rego:3: undefined function kms.decrypt`},
		"an unknown member":         {module(`deny contains "x" if input.contxt["aws:sourceip"]`), `g.rego:3: undefined ref: input.contxt`},
		"an unknown principal part": {module(`deny contains "x" if input.principal.arn == "x"`), `g.rego:3: undefined ref: input.principal.arn`},
		"a key in upper case":       {module(`deny contains "x" if input.context["aws:SourceIp"]`), `g.rego:3: condition keys in input.context are in lower case: "aws:sourceip"`},
		"the decision's data":       {module(`deny contains "x" if data.keyreeve.decide.decision`), `g.rego:3: data.keyreeve.decide.decision is outside of keyreeve.guardrail`},
		"all data":                  {module(`deny contains "x" if data[_].x`), `outside of keyreeve.guardrail`},
		"an import from elsewhere":  {module("import data.keyreeve.decide\n\ndeny contains \"x\" if decide.x"), `g.rego:3: data.keyreeve.decide is outside of keyreeve.guardrail`},
		"no rule":                   {module(`reject contains "x"`), `no guardrail says: deny contains reason if`},
		"nothing at all":            {map[string]string{"README.md": ""}, `no guardrail says`},
		"deny is no set":            {module(`deny := true`), `g.rego:3: deny is a set of reasons`},
		"deny elsewhere":            {map[string]string{"g.rego": "package keyreeve.guardrail.sub\n\ndeny contains \"x\""}, `g.rego:3: data.keyreeve.guardrail.sub.deny does not refuse`},
		"data elsewhere":            {map[string]string{"data.json": `{"office": 1}`}, `data.office is outside of data.keyreeve.guardrail`},
		"data in a folder":          {map[string]string{"keyreeve/x/data.json": `{"office": 1}`}, `data.keyreeve.x is outside of data.keyreeve.guardrail`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := guardrail.LoadDir(written(t, c.files))
			assert.ErrorContains(t, err, c.want)
		})
	}
	_, err := guardrail.LoadDir(filepath.Join(t.TempDir(), "nowhere"))
	assert.ErrorContains(t, err, "nowhere")
}

func TestAllFaultsAreTold(t *testing.T) {
	_, err := guardrail.LoadDir(written(t, map[string]string{
		"a.rego": "package keyreeve.guardrail\n\ndeny contains \"x\" if time.now_ns() > 1\n\ndeny contains \"y\" if rand.intn(\"x\", 2) == 1\n",
		"b.rego": "package other\n",
	}))
	var faults guardrail.Faults
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 3)
	for i, want := range []string{"a.rego:3: ", "a.rego:5: ", "b.rego:1: "} {
		assert.Contains(t, faults[i].Error(), "/"+want)
	}
}

func TestWhatCannotBeEvaluatedIsAnError(t *testing.T) {
	for rule, want := range map[string]string{
		`deny contains "x" if to_number(input.context.a[0]) > 1`:             "g.rego:3: eval_builtin_error: to_number fails on what it is given",
		"deny contains \"x\"\n\ndeny contains 7":                             "a reason is a string",
		`deny contains ""`:                                                   "a reason is a string",
		`deny contains sprintf("%d", [n]) if some n in numbers.range(1, 17)`: "16 at most",
		"v := input.context.a[_]\n\ndeny contains \"x\" if v":                "produced conflicting values",
	} {
		_, err := loaded(t, module(rule)).Deny(t.Context(), request(`{"a": ["a-secret", "y"]}`), generous)
		assert.ErrorContains(t, err, want, rule)
		assert.NotContains(t, err.Error(), "a-secret", rule)
	}
}

func TestGuardrailsThatTakeTooLongAreStopped(t *testing.T) {
	s := loaded(t, module("deny contains \"x\" if {\n\tsome a in numbers.range(1, 3000)\n\tsome b in numbers.range(1, 3000)\n\ta * b < 0\n}"))
	_, err := s.Deny(t.Context(), request(`{}`), guardrail.Limit)
	assert.ErrorIs(t, err, guardrail.ErrLate)
}

func TestReasonsStayOnOneLineAndWithinTheirBound(t *testing.T) {
	s := loaded(t, module(`deny contains input.context.a[0]`))
	reasons, err := s.Deny(t.Context(), request(`{"a": ["one\ntwo\u001b[31m"]}`), generous)
	require.NoError(t, err)
	assert.Equal(t, []string{"one\uFFFDtwo\uFFFD[31m"}, reasons)
	reasons, err = s.Deny(t.Context(), request(`{"a": ["`+strings.Repeat("ä", 1000)+`"]}`), generous)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("ä", 256)+"…", reasons[0])
}

func TestTheDigestIsThatOfTheTexts(t *testing.T) {
	rule := module(`deny contains "x"`)
	assert.Equal(t, loaded(t, rule).Digest, loaded(t, rule).Digest)
	assert.NotEqual(t, loaded(t, rule).Digest, loaded(t, module(`deny contains "y"`)).Digest)
	withData := module(`deny contains "x"`)
	withData["data.json"] = `{"keyreeve": {"guardrail": {"a": 1}}}`
	assert.NotEqual(t, loaded(t, rule).Digest, loaded(t, withData).Digest)
	assert.Equal(t, map[string]string{"g.rego": rule["g.rego"]}, loaded(t, rule).Modules())
}

func FuzzLoad(f *testing.F) {
	f.Add(`deny contains "x" if input.context["aws:sourceip"]`)
	f.Add(`deny contains k if some k, _ in input.context with input as {}`)
	f.Fuzz(func(t *testing.T, rule string) {
		s, err := guardrail.LoadDir(written(t, module(rule)))
		if err == nil {
			_, _ = s.Deny(t.Context(), request(`{"aws:sourceip": ["10.0.0.1"]}`), guardrail.Limit) // must return
		}
	})
}
