package analysis_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/analysis"
)

const caseWorld = `accounts:
  "111122223333":
    users:
      bob: {policies: {use: {Version: 2012-10-17, Statement: {Effect: Allow, Action: "kms:*", Resource: "*", Condition: {NumericLessThan: {"aws:MultiFactorAuthAge": "300"}}}}}}
    roles:
      app: {trust: {Version: 2012-10-17, Statement: {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}}}
    keys:
      payroll:
        aliases: [alias/payroll]
        policy:
          Version: 2012-10-17
          Statement:
            - {Effect: Allow, Principal: {AWS: "111122223333"}, Action: "kms:*", Resource: "*"}
            - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:role/app"}, Action: ["kms:Encrypt", "kms:CreateGrant"], Resource: "*",
               Condition: {StringLike: {"kms:EncryptionContext:App Name": "fin* x"}, "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["App Name", "b"]}}}
            - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:role/app"}, Action: "kms:Decrypt", Resource: "*", Condition: {StringLike: {"kms:ViaService": "s3.*"}}}
            - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:role/app"}, Action: "kms:Sign", Resource: "*", Condition: {StringEquals: {"kms:RequestAlias": "alias/payroll"}, IpAddress: {"aws:SourceIp": "10.0.0.0/8"}}}
            - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:role/app"}, Action: "kms:TagResource", Resource: "*", Condition: {StringEquals: {"aws:RequestTag/team": "a"}, DateGreaterThan: {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}}
            - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:role/app"}, Action: "kms:Verify", Resource: "*", Condition: {StringEquals: {"aws:SourceVpce": "vpce-0123456789abcdef0"}}}
endpoints:
  vpce-0123456789abcdef0: {account: "111122223333", region: us-east-1, vpc: vpc-0123456789abcdef0}
services:
  s3.amazonaws.com: {access-keys: {AKIASTORAGE: secret}, acts-for: [{accounts: ["111122223333"], regions: [us-east-1], actions: ["kms:*"]}]}
`

// TestCaseLinesOfRequestsPass runs what Witness.Case writes.
func TestCaseLinesOfRequestsPass(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "world.yaml"), []byte(caseWorld), 0o600))
	w, err := world.Load(dir, nil)
	require.NoError(t, err)
	u, err := analysis.OfKey(w, w.Keys()[0], analysis.Config{})
	require.NoError(t, err)
	var lines []string
	for _, action := range []string{"kms:Encrypt", "kms:CreateGrant", "kms:Decrypt", "kms:Sign", "kms:TagResource", "kms:Verify", "kms:CreateKey", "kms:CreateAlias"} {
		for _, who := range []string{"user/bob@111122223333", "role/app@111122223333"} {
			q := analysis.Query{Actions: []string{action}, Callers: func(c analysis.Caller) bool { return c.Name == who }}
			for _, refused := range []bool{false, true} {
				if q.Allowed, q.Refused = []*analysis.Universe{u}, nil; refused {
					q.Allowed, q.Refused = nil, []*analysis.Universe{u}
				}
				answer, err := analysis.Find(t.Context(), q)
				require.NoError(t, err)
				if answer.State == analysis.Found {
					assert.Equal(t, !refused, answer.Witness.Decision.Allowed)
					lines = append(lines, answer.Witness.Case())
				}
			}
		}
	}
	require.Greater(t, len(lines), 16)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "found.cases"), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	report, err := policytests.Run(t.Context(), []string{dir}, policytests.Options{})
	require.NoError(t, err, strings.Join(lines, "\n"))
	for _, r := range report.Failed() {
		t.Errorf("%s\n%s", r.Name(), r.Failure)
	}
}
