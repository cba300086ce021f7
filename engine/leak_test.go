package engine_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// A secrets is what must stand in no event, log or error text, with a name.
type secrets map[string]string

// add takes a secret in every form in which it could be written.
func (s secrets) add(name string, secret []byte) {
	s[name] = string(secret)
	s[name+" in hex"] = hex.EncodeToString(secret)
	for form, e := range map[string]*base64.Encoding{" in base64": base64.RawStdEncoding, " in base64url": base64.RawURLEncoding} {
		s[name+form] = e.EncodeToString(secret)
	}
}

// answered are the secrets in answers: CT-070, CT-072, CT-075.
func (b bench) answered(f fixture, s secrets) {
	b.t.Helper()
	c := b.as(alice)
	opened, err := c.Decrypt(b.ctx, &kms.DecryptInput{CiphertextBlob: f.blob, EncryptionContext: f.pairs})
	require.NoError(b.t, err)
	s.add("plaintext of Decrypt", opened.Plaintext)
	sealed, err := c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &f.key, Plaintext: f.plaintext, EncryptionContext: f.pairs})
	require.NoError(b.t, err)
	s.add("ciphertext of Encrypt", sealed.CiphertextBlob)
	again, err := c.ReEncrypt(b.ctx, &kms.ReEncryptInput{CiphertextBlob: f.blob, SourceEncryptionContext: f.pairs, DestinationKeyId: &f.other})
	require.NoError(b.t, err)
	s.add("ciphertext of ReEncrypt", again.CiphertextBlob)
	data, err := c.GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: &f.key, KeySpec: types.DataKeySpecAes256})
	require.NoError(b.t, err)
	s.add("data key", data.Plaintext)
	s.add("ciphertext of the data key", data.CiphertextBlob)
	random, err := c.GenerateRandom(b.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(16)})
	require.NoError(b.t, err)
	s.add("random bytes", random.Plaintext)
	granted := b.give(alice, kms.CreateGrantInput{KeyId: &f.key, GranteePrincipal: aws.String(bobARN), Operations: operations("Decrypt")})
	s["grant token"] = *granted.GrantToken
	session, err := b.STS(bob, region).GetSessionToken(b.ctx, &sts.GetSessionTokenInput{})
	require.NoError(b.t, err)
	s["session token"], s["session secret"] = *session.Credentials.SessionToken, *session.Credentials.SecretAccessKey
	assumed := b.assume(bob, payrollARN, "nightly")
	s["token of an assumed role"], s["secret of an assumed role"] = assumed.Token, assumed.Secret
	require.Error(b.t, second(b.as(assumed).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &f.key})))
}

// TestNoSecretIsWrittenAnywhere asks every operation in every way that the
// test knows to succeed and to fail, and looks for secrets in the audit log,
// the decision log, the operator's log, the metrics and the error texts: CT-076.
func TestNoSecretIsWrittenAnywhere(t *testing.T) {
	b := newBench(t)
	s := secrets{"alice's secret": alice.Secret, "bob's secret": bob.Secret}
	var told strings.Builder
	fixtures := map[string]fixture{}
	for name, state := range map[string]types.KeyState{"enabled": types.KeyStateEnabled, "disabled": types.KeyStateDisabled} {
		f := b.newFixture("")
		f.plaintext = []byte("marker-of-a-plaintext-" + name)
		sealed, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &f.key, Plaintext: f.plaintext, EncryptionContext: f.pairs})
		require.NoError(t, err)
		f.blob = sealed.CiphertextBlob
		f.tokens = []string{f.token}
		s.add("plaintext", f.plaintext)
		s.add("ciphertext", f.blob)
		s["grant token of the fixture "+name] = f.token
		b.arrange(f, state)
		fixtures[name] = f
	}
	b.answered(fixtures["enabled"], s)
	for name, change := range map[string]func(*fixture){
		"as it is":      func(*fixture) {},
		"dry":           func(f *fixture) { f.dryRun = aws.Bool(true) },
		"other context": func(f *fixture) { f.pairs = nil },
		"broken":        func(f *fixture) { f.blob = append([]byte("marker-of-a-broken-blob"), f.blob...) },
		"too long":      func(f *fixture) { f.plaintext = []byte(strings.Repeat("marker-of-a-long-plaintext", 200)) },
		"wrong token":   func(f *fixture) { f.tokens = []string{"bWFya2VyLW9mLWEtd3JvbmctdG9rZW4="} },
		"wrong tokens":  func(f *fixture) { f.tokens = strings.Split("abcdefghijkl", "") },
	} {
		for _, f := range fixtures {
			change(&f)
			s.add(name+" blob", f.blob)
			s.add(name+" plaintext", f.plaintext[:min(40, len(f.plaintext))])
			for _, operation := range []string{"Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "CreateGrant", "DescribeKey", "RetireGrant"} {
				for _, who := range []enginetest.Keys{nobody, carol, alice} {
					told.WriteString(said(calls[operation](b.ctx, b.as(who), f)) + "\n")
				}
			}
		}
	}
	s["wrong token"] = "bWFya2VyLW9mLWEtd3JvbmctdG9rZW4="
	told.Write(b.Send(alice, region, "Encrypt", `{"KeyId":"alias/x","Plaintext":"marker that is not base64"}`))
	told.Write(b.Send(alice, region, "Decrypt", `{"CiphertextBlob":{"marker that is no text":1}}`))
	s["no base64"], s["no text"] = "marker that is not base64", "marker that is no text"

	events, _ := b.events(0)
	require.Greater(t, len(events), 300)
	var written strings.Builder
	for _, e := range events {
		line, err := e.JSON()
		require.NoError(t, err)
		written.Write(line)
	}
	decisions, counted := b.DecisionLog(), b.Metrics()
	for _, f := range fixtures {
		assert.NotContains(t, counted, id(f.key), "metrics name no keys")
	}
	require.NotEmpty(t, decisions)
	b.Stop()
	for sink, text := range map[string]string{
		"audit log": written.String(), "decision log": decisions, "operator's log": b.Log.String(), "error texts": told.String(),
		"metrics": counted,
	} {
		for name, secret := range s {
			require.NotEmpty(t, secret, name)
			assert.False(t, strings.Contains(text, secret), "%s in the %s", name, sink)
		}
	}
}
