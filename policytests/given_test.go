package policytests_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// lending has files for given lines; the cases of a test follow it.
const lending = `-- tagged.json --
{"Version": "2012-10-17", "Statement": [{"Sid": "Tagged", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
  "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}}]}
-- aliased.json --
{"Version": "2012-10-17", "Statement": [{"Sid": "Aliased", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
  "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/lent"}}}]}
-- everybody.json --
{"Version": "2012-10-17", "Statement": [{"Sid": "Everybody", "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}]}
-- nothing.json --
{"Version": "2012-10-17", "Statement": [{"Sid": "Nothing", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
-- inside.json --
{"Version": "2012-10-17", "Statement": [{"Sid": "Inside", "Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"}]}
-- lent.cases --
`

func TestGivenFactsChangeTheWorldForTheLinesAfterThem(t *testing.T) {
	report, err := run(t, lending+`account acme
given grant g on [key/closed, key/payroll] to user/eve for [Decrypt, Encrypt] subset a=b retiree root
allow user/eve kms:Decrypt key/closed kms:EncryptionContext:a=b because g
deny  user/eve kms:Decrypt key/closed because no-allow
allow user/eve kms:Encrypt key/payroll kms:EncryptionContext:a=b because g
allow root kms:RetireGrant key/closed grant g
given nothing
deny  user/eve kms:Decrypt key/closed kms:EncryptionContext:a=b

given policy tagged.json on user/eve
deny  user/eve kms:Decrypt key/payroll
given tag team=red on [key/payroll, user/eve]
allow user/eve kms:Decrypt key/payroll because Tagged
deny  user/eve kms:Decrypt key/twin
given nothing

given policy aliased.json on user/eve
given alias alias/lent on key/twin
allow user/eve kms:Decrypt key/twin because aliased.json
allow user/eve kms:Decrypt alias/lent
deny  user/eve kms:Decrypt key/payroll
given nothing

given policy everybody.json on key/closed
allow user/eve kms:Decrypt key/closed because Everybody
deny  user/eve kms:Encrypt key/closed
given boundary nothing.json on [user/bob, role/payroll]
deny  [user/bob, role/payroll] kms:Encrypt key/payroll because boundary
given nothing
allow [user/bob, role/payroll] kms:Encrypt key/payroll

given endpoint vpce-0a0a0a0a0a0a0a0a0 policy inside.json
given endpoint vpce-0b0b0b0b0b0b0b0b0
allow user/bob kms:Encrypt key/payroll via endpoint vpce-0a0a0a0a0a0a0a0a0
deny  user/bob kms:Decrypt key/payroll via endpoint vpce-0a0a0a0a0a0a0a0a0 because endpoint
allow user/bob kms:Decrypt key/payroll via endpoint vpce-0b0b0b0b0b0b0b0b0
given nothing

given service s3.amazonaws.com may kms:Encrypt
given service sns.amazonaws.com for acme in us-east-1
allow user/bob [kms:Encrypt, kms:Decrypt] key/payroll via service s3.amazonaws.com
allow user/bob kms:GenerateDataKey key/payroll via service sns.amazonaws.com
`, policytests.Options{})
	require.NoError(t, err)
	failures(t, report)
	assert.Len(t, report.Results, 23)
}

func TestStandingClausesHoldWhereTheyCan(t *testing.T) {
	report, err := run(t, `given kms:EncryptionContext:dept=finance !kms:EncryptionAlgorithm session night with tag team=red with mfa 30
allow role/payroll kms:Decrypt key/closed
allow user/bob kms:Decrypt key/closed
deny  user/bob kms:Decrypt key/closed kms:EncryptionContext:dept=hr
allow [role/payroll, user/bob] kms:DescribeKey key/payroll
allow root@acme kms:Decrypt key/closed
deny  root@acme kms:Decrypt key/closed with mfa none kms:EncryptionContext:dept=hr
`, policytests.Options{})
	require.NoError(t, err)
	failures(t, report)
	assert.Contains(t, report.Results[0].Decision.Evidence().Principal, "payroll/night")
	assert.Equal(t, "allow user/bob kms:DescribeKey key/payroll with mfa 30", report.Results[4].Text)
}

func TestGivensThatMakeNoSense(t *testing.T) {
	for given, want := range map[string]string{
		"grant g on key/no to user/bob for Decrypt":                                                          "36:18: there is no key/no in this world",
		"grant g on key/closed to user/no for Decrypt":                                                       "36:32: there is no user/no in this world",
		"grant g on key/closed to user/bob for Decript":                                                      "36:45: a grant cannot allow Decript; did you mean Decrypt?",
		"grant g on key/closed to user/bob for Decrypt\ngiven grant g on key/closed to user/bob for Decrypt": "37:13: key/closed has a grant g already",
		"grant g on arn:aws:kms:us-east-1:111122223333:key/x to user/bob for Decrypt":                        "36:18: there is no key arn:aws:kms:us-east-1:111122223333:key/x in this world",
		"tag a=b on root@acme":                  "36:18: here stands a key, a user or a role",
		"tag a=b on user/no":                    "36:18: there is no user/no in this world",
		"alias payroll on key/closed":           "36:13: an alias is written alias/NAME",
		"alias alias/payroll on key/closed":     "36:13: key/payroll has the alias alias/payroll already",
		"policy no.json on key/closed":          "36:14: there is no file no.json",
		"policy use.json on key/closed":         "36:14: use.json: ",
		"boundary use.json on key/closed":       "36:28: a user or a role has a boundary, not a key",
		"endpoint vpce-1":                       "36:16: this world has several accounts; say which: of ACCOUNT",
		"endpoint vpce-1 of nobody":             "36:26: there is no account nobody in this world",
		"endpoint vpce-1 of small in eu-west-1": "36:16: account 555566667777 does not have the Region eu-west-1",
		"service s3.amazonaws.com for nobody":   "36:36: there is no account nobody in this world",
	} {
		_, err := run(t, "given "+given+"\nallow user/bob kms:Decrypt key/payroll\n", policytests.Options{})
		if assert.Error(t, err, given) {
			_, text, _ := strings.Cut(err.Error(), "town.txtar:")
			assert.True(t, strings.HasPrefix(text, want), "%s: %s", given, text)
		}
	}
}

func TestAskerIsAboutTheWorldThatLinesGive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "town.txtar")
	require.NoError(t, os.WriteFile(file, []byte(town), 0o600))
	w, err := world.Load(file, nil)
	require.NoError(t, err)
	asker, err := policytests.NewAsker(policytests.Config{World: w, Engine: engine, Now: policytests.DefaultTime})
	require.NoError(t, err)
	var now caseline.Standing
	for _, line := range []string{"account acme", "given grant g on key/closed to user/eve for Decrypt", "given alias alias/x on key/closed"} {
		set, err := now.Set(line)
		require.NoError(t, err)
		require.True(t, set)
	}
	room, err := asker.With(now.Given, ".")
	require.NoError(t, err)
	again, err := asker.With(now.Given, ".")
	require.NoError(t, err)
	assert.Same(t, room, again, "a world is made once")
	r, err := now.ParseRequest("user/eve kms:Decrypt alias/x")
	require.NoError(t, err)
	d, err := room.Ask(context.Background(), r, ".")
	require.NoError(t, err)
	assert.True(t, d.Allowed)
	_, err = asker.Ask(context.Background(), r, ".")
	assert.Error(t, err, "the world itself has no such alias")
	arn, err := room.ARN(caseline.Word{Text: "key/closed"})
	require.NoError(t, err)
	assert.Contains(t, arn, ":key/")
}

func TestEverybodyHasANameThatLinesCanUse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "town.txtar")
	require.NoError(t, os.WriteFile(file, []byte(town), 0o600))
	w, err := world.Load(file, nil)
	require.NoError(t, err)
	asker, err := policytests.NewAsker(policytests.Config{World: w, Engine: engine, Now: policytests.DefaultTime})
	require.NoError(t, err)
	var names []string
	for _, word := range append(asker.Everybody(), asker.EveryKey()...) {
		names = append(names, word.Text)
		_, err := asker.ARN(word)
		if !strings.HasPrefix(word.Text, "service/") {
			assert.NoError(t, err, word.Text)
		}
	}
	assert.Equal(t, []string{
		"root@acme", "user/bob", "user/bob@x", "user/eve@acme", "role/payroll", "root@partner", "user/eve@partner", "user/pat", "root@small", "user/sid",
		"service/s3.amazonaws.com", "key/closed", "key/payroll", "key/twin@acme", "key/two", "key/twin@partner",
	}, names)
}
