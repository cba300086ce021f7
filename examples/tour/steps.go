package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// tourContext is the encryption context of the tour.
var tourContext = map[string]string{"purpose": "tour"}

// expect turns the error of a call into nil if it has the code and, in its
// message, the reason that it must have.
func expect(err error, code, reason string) error {
	var answer smithy.APIError
	switch {
	case err == nil:
		return fmt.Errorf("the call went through, %s was expected", code)
	case !errors.As(err, &answer):
		return err
	case answer.ErrorCode() != code, !strings.Contains(answer.ErrorMessage(), reason):
		return fmt.Errorf("%s with %q was expected: %w", code, reason, err)
	}
	return nil
}

func whoAmI(ctx context.Context, t *tour) error {
	out, err := t.alice.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return err
	}
	t.account = *out.Account
	if !strings.HasSuffix(*out.Arn, "/alice") {
		return fmt.Errorf("it is %s who signs", *out.Arn)
	}
	_, err = t.alice.ListKeys(ctx, &kms.ListKeysInput{})
	return err
}

func createKey(ctx context.Context, t *tour) error {
	out, err := t.alice.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String("made by the tour")})
	if err != nil {
		return err
	}
	t.key = *out.KeyMetadata.Arn
	return t.inState(ctx, types.KeyStateEnabled)
}

// inState fails if the key is in another state.
func (t *tour) inState(ctx context.Context, want types.KeyState) error {
	out, err := t.alice.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &t.key})
	if err != nil {
		return err
	}
	if got := out.KeyMetadata.KeyState; got != want {
		return fmt.Errorf("the key is %s, not %s", got, want)
	}
	return nil
}

func createAlias(ctx context.Context, t *tour) error {
	_, err := t.alice.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &t.alias, TargetKeyId: &t.key})
	return err
}

func encrypt(ctx context.Context, t *tour) error {
	out, err := t.alice.Encrypt(ctx, &kms.EncryptInput{KeyId: &t.alias, Plaintext: t.plaintext, EncryptionContext: tourContext})
	if err != nil {
		return err
	}
	t.ciphertext = out.CiphertextBlob
	if bytes.Contains(t.ciphertext, t.plaintext) {
		return errors.New("the ciphertext contains the plaintext")
	}
	return nil
}

// decryptAs decrypts what encrypt has made.
func (t *tour) decryptAs(ctx context.Context, who client, tokens ...string) error {
	out, err := who.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: t.ciphertext, EncryptionContext: tourContext, GrantTokens: tokens})
	if err != nil {
		return err
	}
	if !bytes.Equal(out.Plaintext, t.plaintext) || *out.KeyId != t.key {
		return fmt.Errorf("%d bytes that are not the plaintext came back, under %s", len(out.Plaintext), *out.KeyId)
	}
	return nil
}

func decrypt(ctx context.Context, t *tour) error {
	if err := t.decryptAs(ctx, t.alice); err != nil {
		return err
	}
	_, err := t.alice.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: t.ciphertext, EncryptionContext: map[string]string{"purpose": "other"}})
	return expect(err, "InvalidCiphertextException", "")
}

func dataKey(ctx context.Context, t *tour) error {
	made, err := t.alice.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &t.key, KeySpec: types.DataKeySpecAes256})
	if err != nil {
		return err
	}
	opened, err := t.alice.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: made.CiphertextBlob, KeyId: &t.key})
	if err != nil {
		return err
	}
	if len(made.Plaintext) != 32 || !bytes.Equal(made.Plaintext, opened.Plaintext) {
		return errors.New("the data key differs from its sealed copy")
	}
	return nil
}

func refused(ctx context.Context, t *tour) error {
	err := t.decryptAs(ctx, t.bob)
	return expect(err, "AccessDeniedException", "because no identity-based policy allows the kms:Decrypt action")
}

func grantToBob(ctx context.Context, t *tour) error {
	bob := "arn:aws:iam::" + t.account + ":user/bob"
	out, err := t.alice.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: &t.key, GranteePrincipal: &bob, Operations: []types.GrantOperation{types.GrantOperationDecrypt},
		Constraints: &types.GrantConstraints{EncryptionContextEquals: tourContext},
	})
	if err != nil {
		return err
	}
	t.grant = *out.GrantId
	return t.decryptAs(ctx, t.bob, *out.GrantToken)
}

func revoke(ctx context.Context, t *tour) error {
	if _, err := t.alice.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &t.key, GrantId: &t.grant}); err != nil {
		return err
	}
	return expect(t.decryptAs(ctx, t.bob), "AccessDeniedException", "kms:Decrypt")
}
