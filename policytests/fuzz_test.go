package policytests_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// FuzzAsk: whatever a request says, it is decided, or it is an error of its
// author; never one of the engine.
func FuzzAsk(f *testing.F) {
	file := filepath.Join(f.TempDir(), "town.txtar")
	require.NoError(f, os.WriteFile(file, []byte(town), 0o600))
	w, err := world.Load(file, nil)
	require.NoError(f, err)
	asker, err := policytests.NewAsker(policytests.Config{World: w, Engine: engine, Now: policytests.DefaultTime})
	require.NoError(f, err)
	for _, seed := range []string{
		"user/bob kms:Decrypt key/payroll kms:EncryptionContext:dept=finance !aws:SourceIp at 2026-01-02",
		"role/payroll kms:Encrypt alias/payroll session nightly with tag team=x with source-identity y in us-east-1",
		"root@acme kms:CreateGrant key/closed kms:GrantOperations=[Decrypt] kms:GrantConstraintType=EncryptionContextEquals kms:EncryptionContext:a=b",
		"service/s3.amazonaws.com kms:Decrypt key/payroll aws:SourceArn=arn:aws:s3:::b aws:SourceAccount=111122223333",
		"user/bob kms:Decrypt key/payroll via service s3.amazonaws.com with mfa 3",
		"user/bob kms:Decrypt key/payroll via endpoint vpce-0a0a0a0a0a0a0a0a0 aws:VpcSourceIp=10.0.0.1",
		"user/bob sts:AssumeRole role/payroll sts:ExternalId=x",
		"arn:aws:sts::111122223333:assumed-role/payroll/x kms:CreateKey kms:KeySpec=RSA_2048 aws:RequestTag/a=b",
		"user/pat kms:Decrypt arn:aws:kms:us-east-1:111122223333:key/0d7f1a52-3c6e-4f0b-9d1e-5a8b7c2d4e6f",
		"user/bob kms:RetireGrant key/payroll grant x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := caseline.ParseRequest(text)
		if err != nil || len(r.Principals) != 1 || len(r.Actions) != 1 || len(r.Resources) > 1 {
			return
		}
		if _, err := asker.Question(r, "."); err != nil {
			var told caseline.Error
			assert.ErrorAs(t, err, &told, "an error of the author has a place")
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err = asker.Ask(ctx, r, ".")
		assert.NoError(t, err, "what can be asked is decided")
	})
}
