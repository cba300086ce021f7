package caseline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// parse reads the only case of a text.
func parse(t *testing.T, text string) caseline.Case {
	t.Helper()
	f, err := caseline.Parse("x.cases", text, 0)
	require.NoError(t, err)
	require.Len(t, f.Cases, 1)
	return f.Cases[0]
}

func texts(words []caseline.Word) []string {
	all := []string{}
	for _, w := range words {
		all = append(all, w.Text)
	}
	return all
}

func TestLineSaysWhoDoesWhatToWhich(t *testing.T) {
	c := parse(t, "allow role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=finance because identity Use")
	assert.Equal(t, caseline.Allow, c.Kind)
	assert.Equal(t, []string{"role/payroll"}, texts(c.Request.Principals))
	assert.Equal(t, []string{"kms:Decrypt"}, texts(c.Request.Actions))
	assert.Equal(t, []string{"key/payroll"}, texts(c.Request.Resources))
	assert.Equal(t, []caseline.Pair{{Key: "kms:EncryptionContext:dept", Values: []string{"finance"}, Pos: caseline.Pos{Line: 1, Column: 44}}}, c.Request.Keys)
	assert.Equal(t, []string{"identity", "Use"}, texts(c.Because))
}

func TestResourceMayBeLeftOut(t *testing.T) {
	for _, text := range []string{
		"allow user/a kms:ListKeys",
		"allow user/a kms:ListKeys via endpoint vpce-1",
		"allow user/a kms:ListKeys aws:UserAgent=x",
		"allow user/a kms:ListKeys !aws:SourceIp",
		"allow user/a kms:ListKeys because identity",
	} {
		assert.Empty(t, parse(t, text).Request.Resources, text)
	}
}

func TestListsStandForEachOfTheirValues(t *testing.T) {
	c := parse(t, `deny [user/a, user/b] [kms:Encrypt,kms:Decrypt] [ key/x ] kms:GrantOperations=[A, "B C" ,D]`)
	assert.Equal(t, []string{"user/a", "user/b"}, texts(c.Request.Principals))
	assert.Equal(t, []string{"kms:Encrypt", "kms:Decrypt"}, texts(c.Request.Actions))
	assert.Equal(t, []string{"key/x"}, texts(c.Request.Resources))
	assert.Equal(t, []string{"A", "B C", "D"}, c.Request.Keys[0].Values)
	assert.True(t, c.Request.Keys[0].List)
}

func TestQuotesProtect(t *testing.T) {
	for text, want := range map[string]caseline.Pair{
		`k:x="a b"`:         {Key: "k:x", Values: []string{"a b"}},
		`k:x="[a,b]"`:       {Key: "k:x", Values: []string{"[a,b]"}},
		`k:x="a\"b\\c"`:     {Key: "k:x", Values: []string{`a"b\c`}},
		`"k:x=y"=z`:         {Key: "k:x=y", Values: []string{"z"}},
		`k:"x y"=z`:         {Key: "k:x y", Values: []string{"z"}},
		`k:x=a=b`:           {Key: "k:x", Values: []string{"a=b"}},
		`k:x=`:              {Key: "k:x", Values: []string{""}},
		`k:x=""`:            {Key: "k:x", Values: []string{""}},
		`k:x=a#b`:           {Key: "k:x", Values: []string{"a#b"}},
		`k:x="a # b" # c`:   {Key: "k:x", Values: []string{"a # b"}},
		`k:x=a,b`:           {Key: "k:x", Values: []string{"a,b"}},
		`k:x=${aws:userid}`: {Key: "k:x", Values: []string{"${aws:userid}"}},
	} {
		got := parse(t, "allow user/a kms:Encrypt key/x "+text).Request.Keys
		require.Len(t, got, 1, text)
		assert.Equal(t, want.Key, got[0].Key, text)
		assert.Equal(t, want.Values, got[0].Values, text)
	}
}

func TestClauses(t *testing.T) {
	r := parse(t, `allow role/a kms:Encrypt key/x !aws:SourceIp at 2026-11-23T09:30:00Z in eu-west-1 session nightly with policy [a.json, b.json]
  with tag team=finance with tag "a b"="c d" with source-identity ann with mfa 30 via endpoint vpce-1 via service [a.amazonaws.com, b.amazonaws.com]
  grant-token one grant [two, three]`).Request
	assert.Equal(t, []string{"aws:SourceIp"}, texts(r.Absent))
	assert.Equal(t, time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC), r.At)
	assert.Equal(t, "eu-west-1", r.Region.Text)
	assert.Equal(t, "nightly", r.Session.Name.Text)
	assert.Equal(t, []string{"a.json", "b.json"}, texts(r.Session.Policies))
	assert.Equal(t, "a b", r.Session.Tags[1].Key)
	assert.Equal(t, []string{"c d"}, r.Session.Tags[1].Values)
	assert.Equal(t, "ann", r.Session.SourceIdentity.Text)
	assert.Equal(t, caseline.MFA{Given: true, Present: true, Age: 30 * time.Second}, r.Session.MFA)
	assert.Equal(t, "vpce-1", r.Endpoint.Text)
	assert.Equal(t, []string{"a.amazonaws.com", "b.amazonaws.com"}, texts(r.Services))
	assert.Equal(t, []string{"one", "two", "three"}, texts(r.Grants))
}

func TestSettingsHoldForTheLinesAfterThem(t *testing.T) {
	f, err := caseline.Parse("x.cases", "allow user/a kms:ListKeys\naccount acme\nregion eu-west-1\nat 2026-01-02\nallow user/a kms:ListKeys\nallow user/a kms:ListKeys in us-east-1\n", 0)
	require.NoError(t, err)
	require.Len(t, f.Cases, 3)
	assert.Empty(t, f.Cases[0].Request.Account.Text)
	assert.Equal(t, "acme", f.Cases[1].Request.Account.Text)
	assert.Equal(t, "eu-west-1", f.Cases[1].Request.Region.Text)
	assert.Equal(t, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), f.Cases[1].Request.At)
	assert.Equal(t, "us-east-1", f.Cases[2].Request.Region.Text)
}

func TestCommentsAboveAGroupAreItsTitleAndTags(t *testing.T) {
	f, err := caseline.Parse("x.cases", `# About this file

# A-13 b, A-14: delegation
# and more of it
allow user/a kms:ListKeys
deny  user/b kms:ListKeys # A-19
# A-20
deny  user/c kms:ListKeys

deny  user/d kms:ListKeys
`, 100)
	require.NoError(t, err)
	require.Len(t, f.Cases, 4)
	assert.Equal(t, "A-13 b, A-14: delegation", f.Cases[0].Title)
	assert.Equal(t, []string{"A-13", "A-14"}, f.Cases[0].Tags)
	assert.Equal(t, []string{"A-13", "A-14", "A-19"}, f.Cases[1].Tags)
	assert.Equal(t, []string{"A-20"}, f.Cases[2].Tags)
	assert.Empty(t, f.Cases[3].Tags)
	assert.Empty(t, f.Cases[3].Title)
	assert.Equal(t, caseline.Pos{Line: 105, Column: 1}, f.Cases[0].Pos)
}

func TestLinesThatBeginWithABlankGoOn(t *testing.T) {
	c := parse(t, "deny user/a [kms:Encrypt,\n    kms:Decrypt] key/x\n  # why not\n\tbecause no-allow\n")
	assert.Equal(t, []string{"kms:Encrypt", "kms:Decrypt"}, texts(c.Request.Actions))
	assert.Equal(t, caseline.Pos{Line: 2, Column: 5}, c.Request.Actions[1].Pos)
	assert.Equal(t, "deny user/a [kms:Encrypt, kms:Decrypt] key/x because no-allow", c.Text)
	assert.Equal(t, []string{"no-allow"}, texts(c.Because))
}

func TestDocumentLines(t *testing.T) {
	c := parse(t, `refuse key-policy a.json by user/a on key/x bypass because CODE OTHER says "a b"`)
	assert.Equal(t, caseline.Refuse, c.Kind)
	assert.Equal(t, "key-policy", c.Document.Kind.Text)
	assert.Equal(t, "a.json", c.Document.File.Text)
	assert.Equal(t, "user/a", c.Document.By.Text)
	assert.Equal(t, "key/x", c.Document.On.Text)
	assert.True(t, c.Document.Bypass)
	assert.Equal(t, []string{"CODE", "OTHER"}, texts(c.Because))
	assert.Equal(t, "a b", c.Says.Text)
}

func TestFaultsAreToldWithTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		"alow user/a kms:ListKeys": "1:1: a line begins with allow, deny, text, accept, refuse, only, nobody, no, else, table, given, account, region or at; did you mean allow?",
		"allow":                    "1:6: principal is missing",
		"allow user/a":             "1:13: action is missing",
		"allow [] kms:ListKeys":    "1:7: the list of principals is empty",
		`allow "" kms:ListKeys`:    "1:7: the principal is empty",
		"allow user/a kms:Encrypt key/x because-of no":             "1:32: unknown clause \"because-of\"; known are KEY=VALUE, !KEY, session, with, via, at, in, grant, grant-token, because, says; did you mean because?",
		"allow user/a kms:Encrypt key/x =b":                        "1:32: a name is missing before the equals sign",
		"allow user/a kms:Encrypt key/x a=[]":                      "1:32: the list is empty; an absent key is written !a",
		"allow user/a kms:Encrypt key/x a=[b":                      "1:34: the list is not closed",
		"allow user/a kms:Encrypt key/x a=[b c]":                   "1:37: a comma is missing in the list",
		"allow user/a kms:Encrypt key/x a=[b,,c]":                  "1:37: a value is missing in the list",
		"allow user/a kms:Encrypt key/x a=[b]c":                    "1:37: a blank is missing after the list",
		`allow user/a kms:Encrypt key/x a="b`:                      "1:34: the quote is not closed on this line",
		`allow user/a kms:Encrypt key/x a="\n"`:                    `1:36: after a backslash only " and \ can stand`,
		"allow user/a kms:Encrypt key/x !":                         "1:32: a condition key is missing after the exclamation mark",
		"allow user/a kms:Encrypt key/x at noon":                   "1:35: a time is written 2026-11-23 or 2026-11-23T09:30:00Z",
		"allow user/a kms:Encrypt key/x at 2026-11-23T09:30:00.5Z": "1:35: a request has its time in whole seconds",
		"allow user/a kms:Encrypt key/x via train x":               "1:36: a request comes via an endpoint or via a service",
		"allow user/a kms:Encrypt key/x with hope":                 "1:37: a session comes with a policy, a tag, a source-identity or mfa",
		"allow user/a kms:Encrypt key/x with tag a":                "1:41: a tag is written NAME=VALUE",
		"allow user/a kms:Encrypt key/x with mfa soon":             "1:41: here stands how many seconds ago MFA was proved, or none",
		"allow user/a kms:Encrypt key/x session a session b":       "1:50: a second session name",
		"allow user/a kms:Encrypt key/x in a in b":                 "1:37: a second in",
		"allow user/a kms:Encrypt key/x with mfa 1 with mfa 2":     "1:52: a second mfa",
		"allow user/a kms:Encrypt key/x because":                   "1:39: a layer, a reason or a statement is missing",
		"allow user/a kms:Encrypt key/x says x":                    "1:37: only a refusal says something",
		"text user/a kms:Encrypt key/x":                            `1:30: a text line ends with says "…"`,
		"deny user/a kms:Encrypt key/x says x y":                   "1:38: nothing can follow the sentence",
		"accept policy a.json":                                     "1:8: here stands one of key-policy, iam-policy, boundary, session-policy, scp, rcp, endpoint-policy, trust-policy, grant",
		"accept key-policy":                                        "1:18: file is missing",
		"accept key-policy a.json because X":                       "1:26: unknown clause \"because\"; known are by, on, bypass, and for refuse because, says",
		"  allow user/a kms:ListKeys":                              "1:1: a line that begins with a blank continues the one before, and there is none",
		"account a b":                                              "1:11: nothing can follow here",
		"region":                                                   "1:7: Region is missing",
		"allow user/a kms:ListKeys \xff":                           "1:1: the line is not UTF-8",
	} {
		_, err := caseline.Parse("x.cases", text, 0)
		assert.EqualError(t, err, "x.cases:"+want, text)
	}
}

func TestFaultyLinesDoNotHideOthers(t *testing.T) {
	f, err := caseline.Parse("x.cases", "allow user/a\nallow user/a kms:ListKeys\ndeny\n", 0)
	var faults caseline.Errors
	require.ErrorAs(t, err, &faults)
	assert.Len(t, faults, 2)
	assert.Len(t, f.Cases, 1)
}

func TestQuestionIsALineWithoutVerdict(t *testing.T) {
	r, err := caseline.ParseRequest("user/a kms:Encrypt key/x kms:EncryptionContext:a=b")
	require.NoError(t, err)
	assert.Equal(t, []string{"user/a"}, texts(r.Principals))
	for _, text := range []string{"", "user/a", "user/a kms:Encrypt key/x because x", `user/a kms:Encrypt key/x "`} {
		_, err := caseline.ParseRequest(text)
		assert.Error(t, err, text)
	}
}

func TestKindsHaveTheirWords(t *testing.T) {
	assert.Equal(t, "allow", caseline.Allow.String())
	assert.Equal(t, "refuse", caseline.Refuse.String())
	assert.Equal(t, "invalid", caseline.Kind(0).String())
	assert.True(t, caseline.Accept.Documents())
	assert.False(t, caseline.Text.Documents())
}

// FuzzParse: whatever the text, parsing ends, faults have places inside of it,
// and each case is one that a line of its own would be.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"# A-13: x\nallow role/p kms:Decrypt key/p kms:EncryptionContext:a=[b, \"c\"] !aws:SourceIp at 2026-01-02 because no-allow\n",
		"account a\nregion b\nat 2026-01-02\ntext user/a kms:X says \"{key/x}\"\n  because y",
		"accept key-policy a.json by user/a on key/x bypass\nrefuse scp \"a b\" because X",
		"deny [a,b] [c] session x with policy y with tag a=b with mfa none via endpoint e via service [s]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := caseline.Parse("f", text, 0)
		var faults caseline.Errors
		if err != nil {
			require.ErrorAs(t, err, &faults)
		}
		for _, e := range faults {
			assert.Positive(t, e.Pos.Line)
			assert.Positive(t, e.Pos.Column)
		}
		for _, c := range file.Cases {
			again, err := caseline.Parse("f", c.Text, 0)
			require.NoError(t, err, c.Text)
			for _, same := range again.Cases {
				assert.Equal(t, c.Kind, same.Kind)
				assert.Equal(t, texts(c.Request.Principals), texts(same.Request.Principals))
				assert.Equal(t, texts(c.Because), texts(same.Because))
			}
		}
	})
}
