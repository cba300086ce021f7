package policytests_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests"
)

// verdicts runs cases and tells of each result "ok" or what it got, with its
// witnesses.
func verdicts(t *testing.T, cases string) []string {
	t.Helper()
	report, err := run(t, cases, policytests.Options{})
	require.NoError(t, err)
	var all []string
	for _, r := range report.Results {
		if r.Failure == nil {
			all = append(all, "ok")
			continue
		}
		all = append(all, strings.Join(append([]string{r.Failure.Got}, r.Failure.Witnesses...), " | "))
	}
	return all
}

func TestElseDeniesWhatNoLineAllows(t *testing.T) {
	for says, c := range map[string]struct {
		cases string
		want  string // of the else line
	}{
		"what other principals may is told": {
			"allow user/bob kms:Decrypt key/closed kms:EncryptionContext:dept=finance\nelse deny\n",
			"2 of 11 requests allowed though no line says so | allow root@acme kms:Decrypt key/closed kms:EncryptionContext:dept=finance" +
				" | allow role/payroll kms:Decrypt key/closed kms:EncryptionContext:dept=finance",
		},
		"all that is allowed is named": {
			"allow [user/bob, role/payroll, root@acme] kms:Decrypt key/closed kms:EncryptionContext:dept=finance\nelse deny\n", "ok",
		},
		"other names for the same are the same": {
			"allow [user/bob@acme, \"arn:aws:iam::111122223333:role/payroll\", root@111122223333] kms:decrypt key/closed@acme kms:EncryptionContext:dept=finance\nelse deny * kms:Decrypt key/closed\n", "ok",
		},
		"condition keys have many spellings": {
			"allow [user/bob, role/payroll, root@acme] kms:CreateGrant key/payroll kms:GrantOperations=[Decrypt, Encrypt]\n" +
				"deny user/eve@acme kms:CreateGrant key/payroll KMS:grantoperations=[Encrypt, Decrypt]\nelse deny\n", "ok",
		},
		"a line without clauses speaks of those with more": {
			"allow [user/bob, role/payroll, root@acme] kms:Decrypt key/payroll\ndeny user/eve@acme kms:Decrypt key/payroll kms:EncryptionContext:a=b\nelse deny\n", "ok",
		},
		"a line with clauses does not speak of those with fewer": {
			"allow user/bob kms:Decrypt key/payroll kms:EncryptionContext:a=b\ndeny user/eve@acme kms:Decrypt key/payroll\nelse deny user/bob\n",
			"1 of 2 requests allowed though no line says so | allow user/bob kms:Decrypt key/payroll",
		},
		"of the clauses each action has what it can hold": {
			"allow user/bob [kms:Decrypt, kms:DescribeKey] key/payroll\ndeny user/eve@acme kms:Decrypt key/payroll kms:EncryptionContext:a=b\nelse deny user/*\n", "ok",
		},
		"whom and what it is about may be said": {
			"deny user/eve@acme kms:Decrypt key/payroll\nelse deny user/eve* kms:Create* [key/payroll, key/closed]\n", "ok",
		},
		"what is given where a line stands": {
			"given grant g on key/closed to user/eve@acme for Decrypt\nallow user/eve@acme kms:Decrypt key/closed because g\ngiven nothing\nelse deny user/eve@acme\n", "ok",
		},
		"what is given may allow more": {
			"given grant g on key/closed to user/eve@acme for Decrypt\ndeny user/bob kms:Encrypt key/closed\ngiven nothing\nelse deny user/eve@acme kms:Decrypt\n",
			"1 of 1 requests allowed though no line says so | given grant g on key/closed to user/eve@acme for Decrypt\nallow user/eve@acme kms:Decrypt key/closed",
		},
		"alone it speaks of the file": {
			"allow user/bob kms:Decrypt key/payroll\n\ndeny user/eve@acme kms:Decrypt key/payroll\n\nelse deny user/*\n", "ok",
		},
		"in a group it speaks of the group": {
			"allow user/bob kms:Decrypt key/payroll\n\ndeny user/eve@acme kms:Decrypt key/payroll\nelse deny user/*\n",
			"1 of 6 requests allowed though no line says so | allow user/bob kms:Decrypt key/payroll",
		},
		"operations on no resource": {
			"allow user/bob kms:ListKeys\ndeny user/eve@acme kms:ListKeys\nelse deny user/*@acme\n", "ok",
		},
		"a table": {
			"table\n  key/payroll kms:Decrypt kms:Encrypt\n  user/bob allow allow\nelse deny [user/*]\n", "ok",
		},
	} {
		t.Run(says, func(t *testing.T) {
			all := verdicts(t, c.cases)
			assert.Equal(t, c.want, all[len(all)-1])
		})
	}
}

func TestManyWitnessesAreCounted(t *testing.T) {
	report, err := run(t, "deny user/eve@acme kms:Decrypt key/payroll\nelse deny user/bob kms:*\n", policytests.Options{})
	require.NoError(t, err)
	f := report.Results[1].Failure
	require.NotNil(t, f)
	assert.Len(t, f.Witnesses, 5)
	assert.Greater(t, f.More, 20)
	assert.Contains(t, f.String(), "more")
	assert.Greater(t, report.Results[1].Asked, 25)
}

func TestWitnessesPassAsCases(t *testing.T) {
	report, err := run(t, "deny user/eve@acme kms:Decrypt key/closed kms:EncryptionContext:dept=finance\nelse deny\n"+
		"nobody may kms:Decrypt key/closed\nonly root@acme may kms:Decrypt key/payroll\n", policytests.Options{})
	require.NoError(t, err)
	var lines []string
	for _, r := range report.Failed() {
		lines = append(lines, r.Failure.Witnesses...)
	}
	require.Len(t, lines, 7)
	report, err = run(t, strings.Join(lines, "\n")+"\n", policytests.Options{})
	require.NoError(t, err)
	failures(t, report)
}

func TestOnlySomeMay(t *testing.T) {
	for line, want := range map[string]string{
		"only [root@acme, user/bob, role/payroll] may kms:Decrypt key/closed":                    "ok",
		"only [user/*, role/payroll, root@acme] may [kms:Decrypt, kms:Encrypt] key/closed":       "ok",
		"only user/bob may kms:Sign key/closed":                                                  "ok",
		"nobody may kms:Put* key/closed":                                                         "ok",
		"nobody may kms:Decrypt key/closed kms:EncryptionContext:dept=hr":                        "ok",
		"nobody may kms:Decrypt key/closed !kms:EncryptionContext:dept":                          "ok",
		"only [root@acme, user/bob] may kms:Decrypt key/closed":                                  "role/payroll@111122223333 may kms:Decrypt on key/closed | allow  role/payroll@111122223333  kms:Decrypt  key/closed  kms:EncryptionContext:dept=finance",
		"only [root@acme, user/bob] may kms:Decrypt key/c*":                                      "role/payroll@111122223333 may kms:Decrypt on key/closed | allow  role/payroll@111122223333  kms:Decrypt  key/closed  kms:EncryptionContext:dept=finance",
		"given grant g on key/closed to user/eve@acme for Encrypt\nnobody may kms:E* key/closed": "user/eve@111122223333 may kms:Encrypt on key/closed | allow  user/eve@111122223333  kms:Encrypt  key/closed",
	} {
		assert.Equal(t, []string{want}, verdicts(t, line+"\n"), line)
	}
}

func TestNoAccessFromElsewhere(t *testing.T) {
	const partner = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:user/eve"}, "Action": "kms:Decrypt", "Resource": "*"}]}`
	const public = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEquals": {"kms:EncryptionContext:a": "b"}}}]}`
	files := "-- partner.json --\n" + partner + "\n-- public.json --\n" + public + "\n-- more.cases --\n"
	for line, want := range map[string]string{
		"no public access to key/*":                                                                                         "ok",
		"no cross-account access to [key/payroll, key/closed]":                                                              "ok",
		"given policy partner.json on key/closed\nno public access to key/closed":                                           "ok",
		"given policy partner.json on key/closed\nno cross-account access to key/closed except partner":                     "ok",
		"given policy partner.json on key/closed\nno cross-account access to key/closed except small":                       "user/eve@444455556666 may kms:Decrypt on key/closed, as soon as an IAM policy of that account allows it | # allow  user/eve@444455556666  kms:Decrypt  key/closed@111122223333",
		"given grant g on key/closed to arn:aws:iam::444455556666:user/eve for Encrypt\nno cross-account access key/closed": "user/eve@444455556666 may kms:Encrypt on key/closed | allow  user/eve@444455556666  kms:Encrypt  key/closed@111122223333",
	} {
		assert.Equal(t, []string{want}, verdicts(t, files+line+"\n"), line)
	}
	all := verdicts(t, files+"given policy public.json on key/closed\nno public access to key/closed\n")
	require.Len(t, all, 1)
	assert.Contains(t, all[0], "may kms:Decrypt on key/closed | allow ")
	assert.Contains(t, all[0], "kms:EncryptionContext:a=b")
}

func TestAssertionsThatMakeNoSense(t *testing.T) {
	for line, want := range map[string]string{
		"else deny": "36:1: there are no other lines that this one could speak of",
		"deny user/bob kms:Encrypt key/closed\nelse deny user/no*":   "37:11: no principal of this world is like user/no*",
		"deny user/bob kms:Encrypt key/closed\nelse deny user/no":    "37:11: there is no user/no in this world",
		"deny user/bob kms:Encrypt key/closed\nelse deny * kms:No":   "37:13: there is no action kms:No",
		"deny user/bob kms:Encrypt key/closed\nelse deny * * key/no": "37:1: no request fits this line, so there is nothing that it says",
		"allow user/no kms:Encrypt key/closed\nelse deny":            "36:7: there is no user/no in this world",
		"nobody may kms:ListKeys":                                    "36:1: a line with only or nobody is about a key: add key/NAME",
		"nobody may kms:Decrypt key/no":                              "36:24: there is no key/no in this world",
		"nobody may kms:Decrypt key/no*":                             "36:24: no key of this world is like key/no*",
		"nobody may kms:Decript key/closed":                          "36:12: there is no action kms:Decript; did you mean kms:Decrypt?",
		"only user/no may kms:Decrypt key/closed":                    "36:6: there is no user/no in this world",
		"nobody may kms:Decrypt key/closed session x":                "36:1: a line with only or nobody speaks of all requests; of clauses it can have KEY=VALUE and !KEY",
		"no public access to key/no":                                 "36:21: there is no key/no in this world",
		"no cross-account access to key/closed except nobody":        "36:46: there is no account nobody in this world",
	} {
		_, err := run(t, line+"\n", policytests.Options{})
		if assert.Error(t, err, line) {
			first, _, _ := strings.Cut(err.Error(), "\n")
			_, text, _ := strings.Cut(first, "town.txtar:")
			assert.Equal(t, want, text, line)
		}
	}
}

func TestProofsDoNotSayTooMuchOfSessions(t *testing.T) {
	const files = "-- named.json --\n" + `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/payroll"}, "Action": "kms:Decrypt", "Resource": "*",
  "Condition": {"StringLike": {"aws:userid": "AROA*:nightly"}}}]}` + "\n-- tagged.json --\n" + `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
  "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}}]}` + "\n-- more.yaml --\n" +
		`accounts: {"111122223333": {roles: {open: {trust: open.json}}}}` + "\n-- open.json --\n" +
		`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": ["sts:AssumeRole", "sts:Tag*"]}]}` + "\n-- more.cases --\n"
	for lines, want := range map[string]string{
		"given policy named.json on key/closed\nnobody may kms:Decrypt key/closed\n":         "it cannot be said of key/closed whether this holds: named.json depends on aws:userid, and so on the names of role sessions",
		"given policy tagged.json on role/open\nonly root@acme may kms:Encrypt key/closed\n": "it cannot be said of key/closed whether this holds: tagged.json depends on aws:PrincipalTag, and sessions of role/open may bring tags of their own",
	} {
		_, err := run(t, files+lines, policytests.Options{})
		assert.ErrorContains(t, err, want, lines)
	}
	assert.Equal(t, []string{"ok"}, verdicts(t, files+"given policy named.json on key/payroll\nonly [root@acme, user/bob, role/payroll] may kms:Decrypt key/closed\n"),
		"policies of other keys do not matter")
}
