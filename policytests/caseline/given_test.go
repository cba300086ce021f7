package caseline_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/caseline"
)

func TestGivenClausesHoldForTheLinesAfterThem(t *testing.T) {
	assert.Equal(t, []string{
		"allow role/x kms:Decrypt key/a",
		"allow role/x kms:Decrypt key/a kms:EncryptionContext:a=1 !aws:SourceIp session s via endpoint vpce-1",
		"allow role/x kms:Decrypt key/a kms:encryptioncontext:A=2 aws:SourceIp=192.0.2.1 session s via endpoint vpce-1",
		"allow role/x kms:Decrypt key/a kms:EncryptionContext:a=1 !aws:SourceIp session s via service s3.amazonaws.com",
		"allow role/x kms:Decrypt key/a kms:EncryptionContext:a=3 !aws:SourceIp session s via endpoint vpce-1 in eu-west-1",
		"allow role/x kms:Decrypt key/a in eu-west-1",
	}, lines(t, `allow role/x kms:Decrypt key/a
given kms:EncryptionContext:a=1 !aws:SourceIp session s
given via endpoint vpce-1
allow role/x kms:Decrypt key/a
allow role/x kms:Decrypt key/a kms:encryptioncontext:A=2 aws:SourceIp=192.0.2.1
allow role/x kms:Decrypt key/a via service s3.amazonaws.com
given kms:EncryptionContext:a=3 in eu-west-1
allow role/x kms:Decrypt key/a
given nothing
allow role/x kms:Decrypt key/a
`))
}

func TestStandingKeysAreMarked(t *testing.T) {
	f, err := caseline.Parse("x.cases", "given a:b=c !d:e session x\nallow role/x kms:Decrypt key/a f:g=h\n", 0)
	require.NoError(t, err)
	r := f.Cases[0].Request
	assert.False(t, r.Keys[0].Standing)
	assert.True(t, r.Keys[1].Standing)
	assert.True(t, r.Absent[0].Standing)
	assert.True(t, r.Session.Standing)
}

func TestGivenFacts(t *testing.T) {
	f, err := caseline.Parse("x.cases", `account acme
given grant nightly on [key/a, key/b] to role/x for [Decrypt, DescribeKey] retiree role/y subset dept=finance subset a=b equals c=d
given tag team=red on [user/bob, key/a]
given alias alias/x on key/a
given policy p.json on key/a
given boundary b.json on role/x
given endpoint vpce-1 of acme in eu-west-1 vpc vpc-1 policy e.json
given service s3.amazonaws.com for [acme, partner] in us-east-1 may kms:Decrypt
allow role/x kms:Decrypt key/a
given nothing
allow role/x kms:Decrypt key/a
`, 0)
	require.NoError(t, err)
	require.Len(t, f.Cases, 2)
	given := f.Cases[0].Given
	require.Len(t, given, 7)
	assert.Empty(t, f.Cases[1].Given)
	grant := given[0]
	assert.Equal(t, "grant", grant.Kind.Text)
	assert.Equal(t, "nightly", grant.Name.Text)
	assert.Equal(t, []string{"key/a", "key/b"}, texts(grant.On))
	assert.Equal(t, "role/x", grant.To.Text)
	assert.Equal(t, "role/y", grant.Retiree.Text)
	assert.Equal(t, []string{"Decrypt", "DescribeKey"}, texts(grant.Operations))
	assert.Len(t, grant.Subset, 2)
	assert.Equal(t, "c", grant.Equals[0].Key)
	assert.Equal(t, "acme", grant.Standing.Text)
	assert.Equal(t, 2, grant.Pos.Line)
	assert.Equal(t, "given tag team=red on [user/bob, key/a]", given[1].Text)
	assert.Equal(t, caseline.Pair{Key: "team", Values: []string{"red"}, Pos: caseline.Pos{Line: 3, Column: 11}}, given[1].Tag)
	assert.Equal(t, "vpc-1", given[5].VPC.Text)
	assert.Equal(t, "e.json", given[5].Policy.Text)
	assert.Equal(t, []string{"acme", "partner"}, texts(given[6].Accounts))
}

func TestFaultsOfGivenLines(t *testing.T) {
	for text, want := range map[string]string{
		"given":                                  "1:6: what is given is missing: nothing, a clause, or one of grant, tag, alias, policy, boundary, endpoint, service",
		"given nothing x":                        "1:15: nothing can follow here",
		"given grant":                            "1:12: grant is missing",
		"given grant x":                          "1:14: on is missing",
		"given grant x on key/a":                 "1:23: to is missing",
		"given grant x on key/a to user/a":       "1:33: for is missing",
		"given grant x on key/a on key/b":        "1:24: a second on",
		"given grant x at 2026-01-01":            `1:15: unknown word "at"; known here are equals, for, on, retiree, subset, to`,
		"given grant x subset a":                 "1:22: a pair of a constraint is written NAME=VALUE",
		"given tag a on key/a":                   "1:11: a tag is written NAME=VALUE",
		"given tag a=b":                          "1:14: on is missing",
		"given alias alias/x on":                 "1:23: key is missing",
		"given policy":                           "1:13: file is missing",
		"given because x":                        "1:7: an expectation cannot stand for later lines",
		"given hope":                             `1:7: unknown clause "hope"; known are KEY=VALUE, !KEY, session, with, via, at, in, grant, grant-token, because, says`,
		"given endpoint vpce-1 in [a":            "1:26: the list is not closed",
		"given service s3.amazonaws.com may x y": `1:38: unknown word "y"; known here are for, in, may`,
	} {
		_, err := caseline.Parse("x.cases", text, 0)
		assert.EqualError(t, err, "x.cases:"+want, text)
	}
}

func TestFaultyGivenChangesNothing(t *testing.T) {
	var d caseline.Standing
	set, err := d.Set("given session x")
	assert.True(t, set)
	require.NoError(t, err)
	before := d
	set, err = d.Set("given session y because z")
	assert.True(t, set)
	require.Error(t, err)
	assert.Equal(t, before, d)
	set, err = d.Set("allow role/x kms:Decrypt key/a")
	assert.False(t, set)
	require.NoError(t, err)
	r, err := d.ParseRequest("role/x kms:Decrypt key/a")
	require.NoError(t, err)
	assert.Equal(t, "role/x kms:Decrypt key/a session x", r.String())
	c, err := d.ParseCase("deny role/x kms:Decrypt key/a because scp")
	require.NoError(t, err)
	assert.Equal(t, "deny role/x kms:Decrypt key/a session x because scp", c.String())
}

func TestCopiesOfWhatStandsAreIndependent(t *testing.T) {
	var d caseline.Standing
	for _, line := range []string{"given tag a=1 on key/a", "given tag b=1 on key/a"} {
		_, err := d.Set(line)
		require.NoError(t, err)
	}
	one, two := d, d
	_, err := one.Set("given tag c=1 on key/a")
	require.NoError(t, err)
	_, err = two.Set("given tag d=1 on key/a")
	require.NoError(t, err)
	assert.Equal(t, "given tag c=1 on key/a", one.Given[2].Text)
	assert.Equal(t, "given tag d=1 on key/a", two.Given[2].Text)
	assert.Len(t, d.Given, 2)
}
