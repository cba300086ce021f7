package check_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

const (
	delegate = `{"Sid": "Delegate", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}`
	typo     = `{"Sid": "Use", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/app"}, "Action": ["kms:Encrypt", "kms:Decript"], "Resource": "*"}`
)

func document(statements ...string) string {
	return "{\"Version\": \"2012-10-17\",\n \"Statement\": [\n  " + strings.Join(statements, ",\n  ") + "\n]}\n"
}

// directory makes a directory with files and enters it.
func directory(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o640))
	}
	t.Chdir(dir)
}

// run lints paths by form and gives a line for each finding.
func run(t *testing.T, o check.Options, paths ...string) (*check.Result, []string) {
	t.Helper()
	o.Now, o.FormOnly = now, true
	r, err := check.Paths(t.Context(), paths, o)
	require.NoError(t, err)
	var lines []string
	for _, f := range r.Findings {
		line := fmt.Sprintf("%s:%d:%d %s", f.File, f.Span.Start.Line, f.Span.Start.Column, f.Rule)
		if f.Ignored != "" {
			line += " ignored: " + f.Ignored
		}
		if f.Known {
			line += " known"
		}
		lines = append(lines, line)
	}
	return r, lines
}

func config(t *testing.T, text string) *check.Config {
	t.Helper()
	wd, err := os.Getwd()
	require.NoError(t, err)
	c, err := check.ParseConfig(check.ConfigName, wd, []byte(text))
	require.NoError(t, err)
	return c
}

func TestFindingsAreInTheFile(t *testing.T) {
	directory(t, map[string]string{"a.key.json": document(delegate, typo)})
	r, lines := run(t, check.Options{}, ".")
	assert.Equal(t, []string{"a.key.json:4:123 INVALID_ACTION"}, lines)
	f := r.Findings[0]
	assert.Equal(t, `"kms:Decript"`, string(r.Source("a.key.json")[f.Span.Start.Offset:f.Span.End.Offset]))
	assert.Equal(t, "$.Statement[1].Action[1]", f.Span.Path)
	assert.Equal(t, "kms:Decrypt", f.Suggestion)
	assert.Equal(t, policy.Key, f.Kind)
}

func TestIgnoreSetsAsideForAReasonAndATime(t *testing.T) {
	for name, row := range map[string]struct {
		config string
		want   []string
	}{
		"an ignored rule": {`{version: 1, ignore: [{rules: INVALID_ACTION, reason: new, expires: 2027-01-01}]}`,
			[]string{"p/a.key.json:4:123 INVALID_ACTION ignored: new (until 2027-01-01)", "p/b.key.json:3:123 INVALID_ACTION ignored: new (until 2027-01-01)"}},
		"only in a file": {`{version: 1, ignore: [{rules: [INVALID_ACTION], files: "p/a.*", reason: new, expires: never}]}`,
			[]string{"p/a.key.json:4:123 INVALID_ACTION ignored: new", "p/b.key.json:3:123 INVALID_ACTION"}},
		"below a directory": {`{version: 1, ignore: [{rules: [INVALID_ACTION], files: p, reason: new, expires: never}]}`,
			[]string{"p/a.key.json:4:123 INVALID_ACTION ignored: new", "p/b.key.json:3:123 INVALID_ACTION ignored: new"}},
		"at any depth": {`{version: 1, ignore: [{rules: INVALID_ACTION, files: "**/b.key.json", reason: new, expires: never}]}`,
			[]string{"p/a.key.json:4:123 INVALID_ACTION", "p/b.key.json:3:123 INVALID_ACTION ignored: new"}},
		"only in a statement": {`{version: 1, ignore: [{rules: INVALID_ACTION, sids: Use, reason: new, expires: never}]}`,
			[]string{"p/a.key.json:4:123 INVALID_ACTION ignored: new", "p/b.key.json:3:123 INVALID_ACTION ignored: new"}},
		"an expired entry": {"version: 1\nignore:\n- {rules: INVALID_ACTION, files: p/a.key.json, reason: new, expires: 2026-11-01}",
			[]string{".keyreeve-lint.yaml:3:3 KR_IGNORE_EXPIRED", "p/a.key.json:4:123 INVALID_ACTION", "p/b.key.json:3:123 INVALID_ACTION"}},
		"an entry of no use": {"version: 1\nignore:\n- {rules: MISSING_VERSION, files: p/a.key.json, reason: new, expires: never}",
			[]string{".keyreeve-lint.yaml:3:3 KR_IGNORE_UNUSED", "p/a.key.json:4:123 INVALID_ACTION", "p/b.key.json:3:123 INVALID_ACTION"}},
		"an entry about files that were not linted is not of no use": {"version: 1\nignore:\n- {rules: MISSING_VERSION, files: other/**, reason: new, expires: never}",
			[]string{"p/a.key.json:4:123 INVALID_ACTION", "p/b.key.json:3:123 INVALID_ACTION"}},
	} {
		t.Run(name, func(t *testing.T) {
			directory(t, map[string]string{"p/a.key.json": document(delegate, typo), "p/b.key.json": document(typo)})
			_, lines := run(t, check.Options{Config: config(t, row.config)}, "p")
			assert.Equal(t, row.want, lines)
		})
	}
}

func TestEntryOfNoUseShowsWhenAllIsLinted(t *testing.T) {
	directory(t, map[string]string{"a.key.json": document(delegate)})
	_, lines := run(t, check.Options{Config: config(t, "version: 1\nignore:\n- {rules: MISSING_VERSION, files: gone/**, reason: new, expires: never}")}, ".")
	assert.Equal(t, []string{".keyreeve-lint.yaml:3:3 KR_IGNORE_UNUSED"}, lines)
}

func TestConfigurationSaysAllThatIsWrong(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"unknown rule": {`{version: 1, ignore: [{rules: KR_PUBLIK, reason: x, expires: never}]}`,
			`.keyreeve-lint.yaml: line 1: there is no rule "KR_PUBLIK"; keyreeve lint --list names all`},
		"no reason and no day": {"version: 1\nignore:\n- rules: KR_PUBLIC_KEY", ".keyreeve-lint.yaml: line 3: a reason is missing: whoever reads this later must know why\n" +
			".keyreeve-lint.yaml: line 3: expires is missing or no date: write a day such as 2027-06-30, or never"},
		"unknown field":    {`{version: 1, ignroe: []}`, `.keyreeve-lint.yaml: line 1: field ignroe not found`},
		"no version":       {`{}`, `.keyreeve-lint.yaml: version: 1 is expected`},
		"nothing":          {``, `.keyreeve-lint.yaml: version: 1 is expected`},
		"unknown severity": {`{version: 1, fail-on: bad}`, `.keyreeve-lint.yaml: fail-on is error, security, warning or suggestion, not "bad"`},
		"a typo in an entry": {`{version: 1, ignore: [{rule: KR_PUBLIC_KEY, rules: KR_PUBLIC_KEY, reason: x, expires: never}]}`,
			`.keyreeve-lint.yaml: line 1: unknown field rule; known here: rules, files, policies, sids, reason, expires`},
		"every rule": {`{version: 1, ignore: [{rules: "*", reason: x, expires: never}]}`,
			`.keyreeve-lint.yaml: line 1: rules are ignored by their ids, not by "*": what is found tomorrow has no reason yet`},
		"what was not looked at": {`{version: 1, ignore: [{rules: JSON_SYNTAX_ERROR, reason: x, expires: never}]}`,
			`.keyreeve-lint.yaml: line 1: JSON_SYNTAX_ERROR cannot be ignored: it says that something was not looked at; --fail-on-unknown=false lets what is unknown pass`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := check.ParseConfig(check.ConfigName, ".", []byte(row.text))
			var wrong *check.ConfigError
			require.ErrorAs(t, err, &wrong)
			assert.EqualError(t, err, row.want)
		})
	}
}

func TestBaselineKeepsOldFindingsOut(t *testing.T) {
	directory(t, map[string]string{"a.key.json": document(delegate, typo)})
	r, _ := run(t, check.Options{}, "a.key.json")
	var b bytes.Buffer
	require.NoError(t, r.NewBaseline().Write(&b))
	require.NoError(t, os.WriteFile("baseline.json", b.Bytes(), 0o600))
	baseline, err := check.ReadBaseline("baseline.json")
	require.NoError(t, err)
	require.Len(t, baseline.Findings, 1)

	_, lines := run(t, check.Options{Baseline: baseline}, "a.key.json")
	assert.Equal(t, []string{"a.key.json:4:123 INVALID_ACTION known"}, lines)

	require.NoError(t, os.WriteFile("a.key.json", []byte("\n\n"+document(strings.Replace(typo, "Use", "Other", 1), delegate, typo)), 0o600))
	_, lines = run(t, check.Options{Baseline: baseline}, "a.key.json")
	assert.Equal(t, []string{"a.key.json:5:125 INVALID_ACTION", "a.key.json:7:123 INVALID_ACTION known"}, lines, "an old finding that moved is known, a new one is not")

	require.NoError(t, os.WriteFile("a.key.json", []byte(document(delegate)), 0o600))
	r, lines = run(t, check.Options{Baseline: baseline}, "a.key.json")
	assert.Empty(t, lines)
	assert.Equal(t, 1, r.Stale)
}

func TestBaselineHasNothingOfATextThatIsNoJSON(t *testing.T) {
	directory(t, map[string]string{"a.key.json": `{"Statement": `})
	r, lines := run(t, check.Options{}, ".")
	assert.Equal(t, []string{"a.key.json:1:15 JSON_SYNTAX_ERROR"}, lines)
	assert.Empty(t, r.NewBaseline().Findings)
	_, lines = run(t, check.Options{Baseline: &check.Baseline{Version: 1, Findings: []check.BaselineItem{{Fingerprint: r.Findings[0].Fingerprint}}}}, ".")
	assert.Equal(t, []string{"a.key.json:1:15 JSON_SYNTAX_ERROR"}, lines)
}

func TestWrongBaseline(t *testing.T) {
	directory(t, map[string]string{"a.json": "[]", "b.json": "{}"})
	for name, want := range map[string]string{"a.json": "a.json is no baseline: ", "b.json": "b.json is no baseline of version 1", "c.json": "reading the baseline: "} {
		_, err := check.ReadBaseline(name)
		assert.ErrorContains(t, err, want)
	}
	require.EqualError(t, check.Replaceable("a.json"), "a.json is there already and is no baseline, so it stays")
	require.NoError(t, check.Replaceable("c.json"))
}

func TestMendChangesFilesOfTheAuthorOnly(t *testing.T) {
	template := "Resources:\n  K:\n    Type: AWS::KMS::Key\n    Properties: {KeyPolicy: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: '*', Action: kms:Decript, Resource: '*'}]}}\n"
	plain := `{"Resources": {"K": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": ` + document(delegate, typo) + `}}}}`
	directory(t, map[string]string{"a.key.json": document(delegate, typo, typo), "template.yaml": template, "template.json": plain,
		"world.txtar": "-- world.yaml --\naccounts: {\"111122223333\": {keys: {k: {policy: k.json}}}}\n-- k.json --\n" + document(delegate, typo),
		"dump.json":   `{"PolicyName": "default", "Policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": \"*\", \"Action\": \"kms:Decript\", \"Resource\": \"*\"}]}"}`})
	r, lines := run(t, check.Options{}, ".")
	require.NotEmpty(t, lines)
	var files []string
	for _, m := range r.Mend() {
		files = append(files, m.File)
		assert.NotContains(t, string(m.After), "Decript", m.File)
		want := strings.ReplaceAll(string(m.Before), "Decript", "Decrypt")
		if m.File != "a.key.json" { // which has a Sid twice besides
			assert.Equal(t, want, string(m.After))
		}
	}
	assert.Equal(t, []string{"a.key.json", "template.json", "world.txtar"}, files)
}

func TestWhatIsNotSettledIsUnknown(t *testing.T) {
	r, err := check.Text(t.Context(), "t.yaml", []byte(`
Parameters: {Who: {Type: String}}
Resources:
  K:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Version: 2012-10-17
        Statement:
        - {Effect: Allow, Principal: {AWS: !Ref Who}, Action: kms:*, Resource: '*'}
  L:
    Type: AWS::KMS::Key
    Properties: {KeyPolicy: !ImportValue policy}
`), check.Options{Now: now})
	require.NoError(t, err)
	var lines []string
	for _, f := range r.Findings {
		assert.True(t, f.Unknown)
		lines = append(lines, fmt.Sprintf("%d:%d %s %s", f.Span.Start.Line, f.Span.Start.Column, f.Rule, f.Message))
	}
	assert.Equal(t, []string{
		"8:9 KR_UNDECIDED The checks by meaning were not made for this policy: each of its statements has faults or parts that a deployment decides.",
		"10:49 KR_UNSETTLED_VALUE Only a deployment decides this: the parameter Who has no default in the template.",
		"13:42 KR_UNSETTLED_VALUE Only a deployment decides this policy: Resources.L.Properties.KeyPolicy: an import of another stack is known at deployment only.",
	}, lines)
}

func TestWorldThatDoesNotLoadIsAProblemOnlyWhereNoFindingTellsIt(t *testing.T) {
	world := "accounts:\n  \"111122223333\":\n    keys: {k: {policy: k.json}}\n"
	directory(t, map[string]string{
		"faulty/world.yaml": world, "faulty/k.json": `{"Version": "2012-10-17", "Statement": [{"Effect": "allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}`,
		"stranger/world.yaml": world, "stranger/k.json": document(delegate, strings.Replace(typo, "Decript", "Decrypt", 1)),
		"typo/world.yaml": strings.Replace(world, "keys", "kyes", 1), "typo/k.json": document(delegate),
	})
	r, lines := run(t, check.Options{}, ".")
	assert.Contains(t, lines, "faulty/k.json:1:52 INVALID_EFFECT")
	var problems []string
	for _, p := range r.Problems {
		problems = append(problems, p.Error())
	}
	require.Len(t, problems, 2)
	assert.Contains(t, problems[0], "stranger/k.json:4:58: $.Statement[1].Principal.AWS: arn:aws:iam::111122223333:role/app does not exist in this world")
	assert.Contains(t, problems[1], "typo/world.yaml:3:5: accounts.111122223333.kyes: unknown field")
}

func TestEveryRuleHasAPage(t *testing.T) {
	for _, id := range []string{"KR_UNSETTLED_VALUE", "KR_IGNORE_UNUSED", "kr_ignore_expired", "INVALID_ACTION"} {
		rule, page, ok := check.Rule(id)
		require.True(t, ok, id)
		assert.True(t, strings.HasPrefix(page, "# "+rule.ID+"\n"), id)
	}
	_, _, ok := check.Rule("KR_NOTHING")
	assert.False(t, ok)
	assert.Greater(t, len(check.Rules()), len(lint.Rules))
}

func TestKindForAll(t *testing.T) {
	kind, ok := extract.KindNamed("boundary")
	require.True(t, ok)
	r, err := check.Text(t.Context(), "a.json", []byte(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`),
		check.Options{Now: now, Extract: extract.Options{Kind: kind}})
	require.NoError(t, err)
	assert.Empty(t, grave(r), "stars in a boundary grant nothing")
}

// BenchmarkRepository lints a repository of 100 policies: half the key
// policies, half the identity policies of real projects.
func BenchmarkRepository(b *testing.B) {
	dir := b.TempDir()
	identity := `{"Version": "2012-10-17", "Statement": [{"Sid": "Use", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
  "Resource": "arn:aws:kms:eu-west-1:111122223333:key/*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}}]}`
	key := document(delegate, strings.Replace(typo, "Decript", "Decrypt", 1),
		`{"Sid": "Service", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*",
   "Condition": {"StringEquals": {"kms:CallerAccount": "111122223333", "kms:ViaService": "s3.eu-west-1.amazonaws.com"}}}`)
	for i := range 50 {
		require.NoError(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("k%d.key.json", i)), []byte(strings.ReplaceAll(key, "role/app", fmt.Sprintf("role/app%d", i))), 0o600))
		require.NoError(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("i%d.iam.json", i)), []byte(strings.ReplaceAll(identity, "team", fmt.Sprintf("team%d", i))), 0o600))
	}
	for b.Loop() {
		r, err := check.Paths(b.Context(), []string{dir}, check.Options{Now: now})
		require.NoError(b, err)
		require.Len(b, r.Policies, 100)
	}
}
