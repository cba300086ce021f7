package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// facts are what is compared of a key.
type facts struct {
	Description, State string
	Policy             string // Sid of its last statement
	Tags               map[string]string
	Aliases, Grants    []string // names, sorted
}

func (f facts) clone() facts {
	f.Tags = maps.Clone(f.Tags)
	f.Aliases, f.Grants = slices.Clone(f.Aliases), slices.Clone(f.Grants)
	return f
}

// A held key is one that a client uses.
type held struct {
	arn        string
	sure       facts  // what was acknowledged
	doubt      *facts // what a call without an answer would have made of it
	ciphertext []byte // the last that was answered
}

// opens decrypts what the key has encrypted before, if it may be used.
func (k *held) opens(t *testing.T, client *kms.Client) {
	t.Helper()
	if k.ciphertext == nil || k.sure.State != "Enabled" {
		return
	}
	out, err := client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: k.ciphertext})
	require.NoError(t, err)
	assert.Equal(t, k.arn, *out.KeyId)
}

// works encrypts and decrypts with a key.
func (k *held) works(t *testing.T, client *kms.Client) {
	t.Helper()
	out, err := client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: &k.arn, Plaintext: []byte(k.arn)})
	require.NoError(t, err)
	k.ciphertext = out.CiphertextBlob
	k.opens(t, client)
}

// A change is one call, and what it makes of an enabled key. label is unlike
// any other.
type change struct {
	name string
	call func(c *kms.Client, k *held, after *facts, label string) error
}

// background lets calls end only with the server.
var background = context.Background()

var changes = []change{
	{"Encrypt", func(c *kms.Client, k *held, after *facts, label string) error {
		out, err := c.Encrypt(background, &kms.EncryptInput{KeyId: &k.arn, Plaintext: []byte(label)})
		if err != nil {
			return err
		}
		k.ciphertext = out.CiphertextBlob
		return nil
	}},
	{"UpdateKeyDescription", func(c *kms.Client, k *held, after *facts, label string) error {
		after.Description = label
		_, err := c.UpdateKeyDescription(background, &kms.UpdateKeyDescriptionInput{KeyId: &k.arn, Description: &label})
		return err
	}},
	{"TagResource", func(c *kms.Client, k *held, after *facts, label string) error {
		after.Tags["first"], after.Tags["second"] = label, label
		tags := []types.Tag{{TagKey: aws.String("first"), TagValue: &label}, {TagKey: aws.String("second"), TagValue: &label}}
		_, err := c.TagResource(background, &kms.TagResourceInput{KeyId: &k.arn, Tags: tags})
		return err
	}},
	{"PutKeyPolicy", func(c *kms.Client, k *held, after *facts, label string) error {
		after.Policy = label
		policy := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
			"Action": "kms:*", "Resource": "*", "Sid": "` + label + `"}]}`
		_, err := c.PutKeyPolicy(background, &kms.PutKeyPolicyInput{KeyId: &k.arn, Policy: &policy})
		return err
	}},
	{"CreateAlias", func(c *kms.Client, k *held, after *facts, label string) error {
		alias := "alias/" + label
		after.Aliases = append(after.Aliases, alias)
		slices.Sort(after.Aliases)
		_, err := c.CreateAlias(background, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &k.arn})
		return err
	}},
	{"CreateGrant", func(c *kms.Client, k *held, after *facts, label string) error {
		after.Grants = append(after.Grants, label)
		slices.Sort(after.Grants)
		_, err := c.CreateGrant(background, &kms.CreateGrantInput{
			KeyId: &k.arn, Name: &label, GranteePrincipal: aws.String("arn:aws:iam::111122223333:user/bob"),
			Operations: []types.GrantOperation{types.GrantOperationDecrypt},
		})
		return err
	}},
	{"DisableKey", func(c *kms.Client, k *held, after *facts, _ string) error {
		after.State = "Disabled"
		_, err := c.DisableKey(background, &kms.DisableKeyInput{KeyId: &k.arn})
		return err
	}},
	{"ScheduleKeyDeletion", func(c *kms.Client, k *held, after *facts, _ string) error {
		after.State = "PendingDeletion"
		_, err := c.ScheduleKeyDeletion(background, &kms.ScheduleKeyDeletionInput{KeyId: &k.arn})
		return err
	}},
}

// enable is the change that brings a key nearer to being enabled.
func enable(c *kms.Client, k *held, after *facts, _ string) error {
	if after.State == "PendingDeletion" {
		after.State = "Disabled"
		_, err := c.CancelKeyDeletion(background, &kms.CancelKeyDeletionInput{KeyId: &k.arn})
		return err
	}
	after.State = "Enabled"
	_, err := c.EnableKey(background, &kms.EnableKeyInput{KeyId: &k.arn})
	return err
}

// read asks the server for the facts of a key.
func read(t *testing.T, c *kms.Client, arn string) facts {
	t.Helper()
	described, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &arn})
	require.NoError(t, err)
	f := facts{Description: *described.KeyMetadata.Description, State: string(described.KeyMetadata.KeyState), Tags: map[string]string{}}
	tags, err := c.ListResourceTags(t.Context(), &kms.ListResourceTagsInput{KeyId: &arn})
	require.NoError(t, err)
	for _, tag := range tags.Tags {
		f.Tags[*tag.TagKey] = *tag.TagValue
	}
	policy, err := c.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: &arn})
	require.NoError(t, err)
	var document struct{ Statement []struct{ Sid string } }
	require.NoError(t, json.Unmarshal([]byte(*policy.Policy), &document))
	f.Policy = document.Statement[len(document.Statement)-1].Sid
	aliases := kms.NewListAliasesPaginator(c, &kms.ListAliasesInput{KeyId: &arn})
	for aliases.HasMorePages() {
		page, err := aliases.NextPage(t.Context())
		require.NoError(t, err)
		for _, a := range page.Aliases {
			f.Aliases = append(f.Aliases, *a.AliasName)
		}
	}
	grants := kms.NewListGrantsPaginator(c, &kms.ListGrantsInput{KeyId: &arn})
	for grants.HasMorePages() {
		page, err := grants.NextPage(t.Context())
		require.NoError(t, err)
		for _, g := range page.Grants {
			f.Grants = append(f.Grants, *g.Name)
		}
	}
	slices.Sort(f.Aliases)
	slices.Sort(f.Grants)
	return f
}

// listed is the ARNs of all keys.
func listed(t *testing.T, c *kms.Client) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	pages := kms.NewListKeysPaginator(c, &kms.ListKeysInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, k := range page.Keys {
			found[*k.KeyArn] = true
		}
	}
	return found
}
