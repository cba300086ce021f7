package repl_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/repl"
)

func TestCompletionKnowsWhatCanStandHere(t *testing.T) {
	for _, row := range []struct{ scene, line, wanted, unwanted string }{
		{"", "", "can why why-not who-can as policy help :rego", "role/payroll"},
		{"", "wh", "why who-can", "can"},
		{"", "can ", "role/payroll user/bob root@111122223333 service/s3.amazonaws.com federated/guest", "kms:Decrypt key/payroll"},
		{"", "can role/p", "role/payroll", "role/night"},
		{"", "can [role/payroll, role/n", "role/night", "kms:Decrypt"},
		{"", "can role/payroll ", "kms:Decrypt sts:AssumeRole", "key/payroll role/payroll"},
		{"", "can role/payroll kms:Decrypt ", "key/payroll alias/payroll with via kms:EncryptionContext:dept=finance", "kms:Encrypt role/night"},
		{"", "can role/payroll sts:AssumeRole ", "role/night role/visitor", "key/payroll"},
		{"", "can role/payroll kms:ListKeys ", "via aws:UserAgent=", "key/payroll"},
		{"", "can role/payroll kms:Decrypt key/payroll ", "kms:EncryptionContext: !aws:SourceIp aws:SourceIp= at in session",
			"kms:MessageType= key/payroll aws:PrincipalArn= kms:CallerAccount= kms:Encrypt"},
		{"", "can role/payroll kms:Sign key/signing ", "kms:MessageType= kms:SigningAlgorithm=", "kms:EncryptionContext:"},
		{"", "can role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=", "kms:EncryptionContext:dept=finance", ""},
		{"", "can role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=x kms:Enc", "kms:EncryptionAlgorithm=", "kms:EncryptionContext:dept="},
		{"", "can role/payroll kms:Decrypt key/payroll via ", "endpoint service", "at"},
		{"", "can role/payroll kms:Decrypt key/payroll via endpoint ", "vpce-0123456789abcdef0", "service"},
		{"", "can role/payroll kms:Decrypt key/payroll via service ", "s3.amazonaws.com", ""},
		{"", "can role/payroll kms:Decrypt key/payroll in ", "us-east-1 eu-west-1", ""},
		{"", "can role/payroll kms:Decrypt key/payroll with ", "policy tag mfa source-identity", ""},
		{"", "can role/payroll kms:Decrypt key/payroll grant ", "nightly", ""},
		{"as role/payroll", "can ", "user/bob kms:Decrypt", "key/payroll"},
		{"as role/payroll; do kms:Decrypt", "can ", "user/bob kms:Encrypt key/payroll kms:ViaService=", ""},
		{"do kms:Sign", "set ", "kms:MessageType=", "kms:EncryptionContext:"},
		{"set aws:UserAgent=x", "unset ", "aws:UserAgent *", "aws:SourceIp"},
		{"", "as role/payroll ", "session with", "via"},
		{"", "as role/payroll with policy ", "nothing.session.json", ""},
		{"", "do kms:De", "kms:Decrypt kms:DescribeKey", "kms:Encrypt"},
		{"off scp", "on ", "key/payroll alias/payroll scp -", "rcp"},
		{"", "via ", "endpoint service -", ""},
		{"", "via endpoint ", "vpce-0123456789abcdef0", ""},
		{"", "in ", "eu-west-1", ""},
		{"", "grant ", "role/night", "Decrypt"},
		{"", "grant role/night ", "Decrypt CreateGrant", "role/night"},
		{"", "grant role/night [Decrypt, En", "Encrypt", "Decrypt"},
		{"", "grant role/night Decrypt ", "on name subset", "key/payroll"},
		{"", "grant role/night Decrypt on ", "key/payroll", "subset"},
		{"", "revoke ", "nightly", ""},
		{"", "policy ", "key/payroll@111122223333 key/other@111122223333 role/payroll@111122223333 scp/most", ""},
		{"", "policy role/payroll@111122223333 ", "trust use", ""},
		{"", "show ", "keys principals rego", ""},
		{"", "show condition-keys ", "kms:Decrypt", ""},
		{"", "show rego role/payroll@111122223333 ", "use trust", ""},
		{"", "off ", "scp grant", "resource"},
		{"", "given ", "grant tag alias endpoint service nothing", ""},
		{"", "given tag a=b on ", "key/payroll role/payroll", ""},
		{"", "given alias alias/x on ", "key/payroll", "role/payroll"},
		{"", "save ", "test world", ""},
		{"", "save test x role/pay", "role/payroll", ""},
		{"", "who-can ", "kms:Decrypt", "role/payroll"},
		{"", "who-can kms:Decrypt ", "key/payroll", "kms:Encrypt"},
		{"", "what-can ", "role/payroll", "kms:Encrypt"},
		{"", "what-can role/payroll ", "key/payroll", "role/night"},
		{"", "help wh", "why who-can", ""},
		{"", "nothing ", "", "can"},
	} {
		s, _ := open(t)
		if row.scene != "" {
			for _, c := range strings.Split(row.scene, "; ") {
				say(t, s, c)
			}
		}
		all, part := s.Complete(row.line)
		values := map[string]bool{}
		for _, c := range all {
			values[c.Value] = true
			assert.True(t, strings.HasPrefix(strings.ToLower(c.Value), strings.ToLower(part)), "%q of %q", c.Value, part)
		}
		for _, w := range strings.Fields(row.wanted) {
			assert.True(t, values[w], "%s; %q has no %s, but %v", row.scene, row.line, w, all)
		}
		for _, w := range strings.Fields(row.unwanted) {
			assert.False(t, values[w], "%s; %q has %s", row.scene, row.line, w)
		}
	}
}

func TestConditionKeysThatRequestsOftenBringComeFirst(t *testing.T) {
	s, _ := open(t)
	all, _ := s.Complete("can role/payroll kms:Decrypt key/payroll ")
	at := func(value string) int {
		return slices.IndexFunc(all, func(c repl.Candidate) bool { return strings.HasPrefix(c.Value, value) })
	}
	for _, pair := range [][2]string{
		{"kms:EncryptionContext:", "kms:ViaService="}, {"kms:ViaService=", "kms:EncryptionAlgorithm="}, {"aws:SourceIp=", "kms:RecipientAttestation:"},
	} {
		require.GreaterOrEqual(t, at(pair[0]), 0, pair[0])
		assert.Less(t, at(pair[0]), at(pair[1]), "%s before %s", pair[0], pair[1])
	}
}
