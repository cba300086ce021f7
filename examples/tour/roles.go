package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// salaries is the key of the dev world that only the role payroll reads.
const salaries = "alias/payroll"

var finance = map[string]string{"dept": "finance"}

func encryptSalary(ctx context.Context, t *tour) error {
	out, err := t.bob.Encrypt(ctx, &kms.EncryptInput{KeyId: aws.String(salaries), Plaintext: t.plaintext, EncryptionContext: finance})
	if err != nil {
		return err
	}
	t.ciphertext = out.CiphertextBlob
	_, err = t.bob.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: t.ciphertext, EncryptionContext: finance})
	return expect(err, "AccessDeniedException", "because no identity-based policy allows the kms:Decrypt action")
}

func assumePayroll(ctx context.Context, t *tour) error {
	role := "arn:aws:iam::" + t.account + ":role/payroll"
	session, err := t.bob.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("tour")})
	if err != nil {
		return err
	}
	c := session.Credentials
	payroll := t.as(keys{*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken})
	out, err := payroll.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: t.ciphertext, EncryptionContext: finance})
	if err != nil {
		return err
	}
	if string(out.Plaintext) != string(t.plaintext) {
		return fmt.Errorf("%d bytes that are not the plaintext came back", len(out.Plaintext))
	}
	_, err = payroll.ListKeys(ctx, &kms.ListKeysInput{})
	return expect(err, "AccessDeniedException", "assumed-role/payroll/tour is not authorized to perform: kms:ListKeys")
}

func dryRun(ctx context.Context, t *tour) error {
	_, err := t.alice.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &t.key})
	if err != nil {
		return err
	}
	_, err = t.alice.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &t.key, KeySpec: types.DataKeySpecAes256, DryRun: aws.Bool(true)})
	if err := expect(err, "DisabledException", ""); err != nil {
		return err
	}
	if _, err = t.alice.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &t.key}); err != nil {
		return err
	}
	_, err = t.alice.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &t.key, KeySpec: types.DataKeySpecAes256, DryRun: aws.Bool(true)})
	if err := expect(err, "DryRunOperationException", "would have succeeded"); err != nil {
		return err
	}
	_, err = t.bob.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: t.ciphertext, EncryptionContext: finance, DryRun: aws.Bool(true)})
	return expect(err, "AccessDeniedException", "kms:Decrypt")
}

// guarded is a key policy that lets IAM policies of the account count, and
// refuses to encrypt anything for another purpose than the tour's.
func guarded(account string) (string, error) {
	policy := map[string]any{
		"Version": "2012-10-17",
		"Statement": []map[string]any{{
			"Sid": "IAM policies count", "Effect": "Allow",
			"Principal": map[string]string{"AWS": "arn:aws:iam::" + account + ":root"},
			"Action":    "kms:*", "Resource": "*",
		}, {
			"Sid": "For the tour only", "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
			"Condition": map[string]any{"StringNotEquals": map[string]string{"kms:EncryptionContext:purpose": "tour"}},
		}},
	}
	text, err := json.Marshal(policy)
	return string(text), err
}

func denyByKeyPolicy(ctx context.Context, t *tour) error {
	policy, err := guarded(t.account)
	if err != nil {
		return err
	}
	if _, err := t.alice.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &t.key, Policy: &policy}); err != nil {
		return err
	}
	if err := encrypt(ctx, t); err != nil {
		return err
	}
	_, err = t.alice.Encrypt(ctx, &kms.EncryptInput{KeyId: &t.key, Plaintext: t.plaintext})
	return expect(err, "AccessDeniedException", "with an explicit deny in a resource-based policy")
}

// week is the shortest waiting period, in days.
const week = 7

func scheduleDeletion(ctx context.Context, t *tour) error {
	_, err := t.alice.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &t.key, PendingWindowInDays: aws.Int32(week)})
	if err != nil {
		return err
	}
	if err := t.inState(ctx, types.KeyStatePendingDeletion); err != nil {
		return err
	}
	return expect(t.decryptAs(ctx, t.alice), "KMSInvalidStateException", "is pending deletion")
}

func cancelDeletion(ctx context.Context, t *tour) error {
	if _, err := t.alice.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &t.key}); err != nil {
		return err
	}
	if err := t.inState(ctx, types.KeyStateDisabled); err != nil {
		return err
	}
	if _, err := t.alice.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &t.key}); err != nil {
		return err
	}
	return t.decryptAs(ctx, t.alice)
}

func leave(ctx context.Context, t *tour) error {
	if _, err := t.alice.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: &t.alias}); err != nil {
		return err
	}
	return scheduleDeletion(ctx, t)
}
