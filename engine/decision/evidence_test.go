package decision

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestEvidence(t *testing.T) {
	ifDept := allowIf("", "kms:*", `{"StringEquals": {"kms:EncryptionContext:dept": ["it", "hr"]}}`)
	for name, asked := range map[string]Question{
		"allowed-by-delegation": ask(scpSays(allow("", "*")), scpSays(allow("", "kms:*"), allow("", "s3:*")),
			keySays(delegates, allow("user/ben", "kms:*")), iamSays(allow("", "kms:Encrypt"), allow("", "kms:Decrypt"))),
		"allowed-by-grant": ask(granted(to(ViaUser, "AIDAANN"))),
		"denied-by-scp":    ask(scpSays(allow("", "*"), deny("", "kms:*")), rcpSays(allow("*", "*")), keySays(allow("*", "kms:*"), allow("user/ann", "kms:*"))),
		"exempt-service":   ask(by(logs), scpSays(deny("", "*")), keySays(allow("*", "kms:*"), allow("logs.amazonaws.com", "kms:*"))),
		"nearest-miss":     ask(keySays(delegates), iamSays(allow("", "s3:*"), ifDept), func(q *Question) { q.Context["kms:encryptioncontext:dept"] = []string{"legal"} }),
	} {
		t.Run(name, func(t *testing.T) {
			got := toJSON(t, decided(t, asked).Evidence()) + "\n"
			file := filepath.Join("testdata", "evidence", name+".json")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

func TestNearestMiss(t *testing.T) {
	ifService := func(who string) string {
		return allowIf(who, "kms:*", `{"StringEquals": {"kms:ViaService": "ec2.us-west-2.amazonaws.com"}}`)
	}
	ifTwo := allowIf("", "kms:*", `{"Bool": {"aws:SecureTransport": "true"}, "StringLike": {"kms:ViaService": "ec2.*"}}`)
	for _, c := range []struct {
		says   string
		asked  Question
		key    string
		actual []string
	}{
		{"an IAM policy", ask(keySays(delegates), iamSays(ifService(""))), "kms:ViaService", []string{"s3.us-west-2.amazonaws.com"}},
		{"a key policy", ask(keySays(ifService("user/ann"))), "kms:ViaService", []string{"s3.us-west-2.amazonaws.com"}},
		{"a key policy that also delegates", ask(keySays(ifService("user/ann"), delegates)), "kms:ViaService", []string{"s3.us-west-2.amazonaws.com"}},
		{"an absent key", ask(keySays(delegates), iamSays(allowIf("", "kms:*", `{"Bool": {"aws:SecureTransport": "true"}}`))), "aws:SecureTransport", []string{}},
		{"an SCP", ask(keySays(allow("user/ann", "kms:*")), scpSays(ifService(""))), "kms:ViaService", []string{"s3.us-west-2.amazonaws.com"}},
		{"an endpoint policy", ask(keySays(allow("user/ann", "kms:*")), endpointSays(ifService("*"))), "kms:ViaService", []string{"s3.us-west-2.amazonaws.com"}},
		{"two conditions fail", ask(keySays(delegates), iamSays(ifTwo)), "", nil},
		{"the action does not fit", ask(keySays(delegates), action("s3:GetObject"), iamSays(ifService(""))), "", nil},
		{"the account is not enough", ask(keySays(ifService(home))), "", nil},
		{"an explicit deny", ask(keySays(delegates), iamSays(ifService(""), deny("", "kms:*"))), "", nil},
		{"another account's key policy", ask(by(xena), iamSays(allow("", "kms:*")), keySays(ifService("user/xena"))), "kms:ViaService",
			[]string{"s3.us-west-2.amazonaws.com"}},
	} {
		t.Run(c.says, func(t *testing.T) {
			miss := decided(t, c.asked).Evidence().Nearest
			if c.key == "" {
				assert.Nil(t, miss)
				return
			}
			require.NotNil(t, miss)
			assert.Equal(t, c.key, miss.Key)
			assert.Equal(t, c.actual, miss.Actual)
			assert.Len(t, miss.Wanted, 1)
			assert.Contains(t, miss.Path, "$.Statement[0].Condition")
		})
	}
}

func TestNearestMissOfAForeignCallerIsOnItsOwnSide(t *testing.T) {
	condition := `{"StringEquals": {"kms:ViaService": "ec2.us-west-2.amazonaws.com"}}`
	key := keySays(allowIf("user/xena", "kms:*", condition))
	d := decided(t, ask(by(xena), iamSays(allow("", "kms:*")), key))
	assert.NotNil(t, d.Evidence().Nearest)
	assert.Nil(t, d.CallerView().Nearest)

	own := decided(t, ask(by(xena), iamSays(allowIf("", "kms:*", condition)), key)).CallerView().Nearest
	require.NotNil(t, own)
	assert.Equal(t, LayerIdentity, own.Statement.Layer)
}

func TestLargeDocumentHasNoNearestMiss(t *testing.T) {
	var statements []string
	for range maxVariants + 1 {
		statements = append(statements, `{"Effect":"Allow","Action":"kms:Decrypt","Principal":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}`)
	}
	d := decided(t, ask(keySays(statements[1:]...)))
	assert.NotNil(t, d.Evidence().Nearest)
	d = decided(t, ask(keySays(statements...)))
	assert.Equal(t, "no-allow resource", verdictOf(d))
	assert.Nil(t, d.Evidence().Nearest)
}
