package engine_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

const delay = 5 * time.Minute

// later starts a keyreeve whose changes count after delay.
func later(t *testing.T, world string) bench {
	t.Helper()
	t.Parallel()
	return start(t, enginetest.Config{World: world, ConsistencyDelay: delay})
}

// TestGrantCountsAfterTheDelayOrWithItsToken: A-54, PG-36. Guide, "Eventual
// consistency (for grants)".
func TestGrantCountsAfterTheDelayOrWithItsToken(t *testing.T) {
	b := later(t, worldText)
	key := b.newKey(aliceOnly)
	refused := noResource(nobodyARN, "Encrypt", key)
	for range 6 { // more of a kind than a look-up takes
		b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Encrypt")})
	}
	granted := b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Encrypt")})
	listed, err := b.as(alice).ListGrants(b.ctx, &kms.ListGrantsInput{KeyId: &key})
	require.NoError(t, err)
	assert.Len(t, listed.Grants, 7, "lists show them at once")
	answers(t, []ask{
		{"at once", b.encrypts(nobody, key, nil), refused},
		{"at once, with its token", b.encrypts(nobody, key, nil, *granted.GrantToken), "ok"},
		{"another caller with its token", b.encrypts(fenced, key, nil, *granted.GrantToken), noResource("arn:aws:iam::111122223333:user/fenced", "Encrypt", key)},
	})
	b.Clock.Advance(delay - time.Second)
	answers(t, []ask{{"just before the end of the delay", b.encrypts(nobody, key, nil), refused}})
	b.Clock.Advance(time.Second)
	for range 6 { // new ones of the kind do not hide the old ones
		b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Encrypt")})
	}
	answers(t, []ask{{"after the delay", b.encrypts(nobody, key, nil), "ok"}})
}

// TestRemovedGrantCountsOnAsItDid: Guide, "Retiring and revoking grants".
func TestRemovedGrantCountsOnAsItDid(t *testing.T) {
	b := later(t, worldText)
	key := b.newKey(aliceOnly)
	refused := noResource(nobodyARN, "Encrypt", key)
	give := func() *kms.CreateGrantOutput {
		return b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Encrypt")})
	}
	revoke := func(g *kms.CreateGrantOutput) func() error {
		return func() error {
			return second(b.as(alice).RevokeGrant(b.ctx, &kms.RevokeGrantInput{KeyId: &key, GrantId: g.GrantId}))
		}
	}
	retire := func(in kms.RetireGrantInput) func() error {
		return func() error { return second(b.as(root).RetireGrant(b.ctx, &in)) }
	}
	old := give()
	b.Clock.Advance(delay)
	fresh, byToken := give(), give()
	answers(t, []ask{
		{"a grant that counts", b.encrypts(nobody, key, nil), "ok"},
		{"it is revoked", revoke(old), "ok"},
		{"and counts on", b.encrypts(nobody, key, nil), "ok"},
		{"but is not there any more", revoke(old), "NotFoundException: Grant " + *old.GrantId + " does not exist."},
		{"a new grant is retired without its token", retire(kms.RetireGrantInput{KeyId: &key, GrantId: fresh.GrantId}),
			"AccessDeniedException: User: arn:aws:iam::111122223333:root is not authorized to perform: kms:RetireGrant on resource: " + key +
				" because no resource-based policy allows the kms:RetireGrant action"},
		{"a new grant is revoked", revoke(fresh), "ok"},
	})
	b.Clock.Advance(delay)
	fresh = give()
	answers(t, []ask{
		{"after the delay", b.encrypts(nobody, key, nil), "ok"}, // byToken counts now
		{"it is retired by its token", retire(kms.RetireGrantInput{GrantToken: byToken.GrantToken}), "ok"},
		{"and gone at once", b.encrypts(nobody, key, nil), refused},
		{"also for its token", b.encrypts(nobody, key, nil, *byToken.GrantToken), refused},
		{"a new one that is revoked", revoke(fresh), "ok"},
		{"counts for its token", b.encrypts(nobody, key, nil, *fresh.GrantToken), "ok"},
		{"and without it never did", b.encrypts(nobody, key, nil), refused},
	})
	b.Clock.Advance(delay)
	answers(t, []ask{{"nor does it after the delay", b.encrypts(nobody, key, nil, *fresh.GrantToken), refused}})
}

// stagedWorld has a user who may use keys by a tag that they have.
const stagedWorld = `
-- world.yaml --
accounts:
  "111122223333":
    users:
      alice:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        access-keys: {AKIAALICE: alice-secret}
      nobody:
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:Encrypt", Resource: "*", Condition: {StringEquals: {"aws:ResourceTag/stage": test}}}]}}
        access-keys: {AKIANOBODY: nobody-secret}
`

// TestTagsCountAfterTheDelay: ALS-32, TAG-19. Guide, "ABAC for AWS KMS".
func TestTagsCountAfterTheDelay(t *testing.T) {
	b := later(t, stagedWorld)
	key := b.newKey("")
	tag := func(value string) func() error {
		return func() error {
			return second(b.as(alice).TagResource(b.ctx, &kms.TagResourceInput{KeyId: &key, Tags: tags("stage", value)}))
		}
	}
	untag := func() error {
		return second(b.as(alice).UntagResource(b.ctx, &kms.UntagResourceInput{KeyId: &key, TagKeys: []string{"stage"}}))
	}
	encrypt, refused := b.encrypts(nobody, key, nil), noIdentity(nobodyARN, "Encrypt", key)
	answers(t, []ask{{"a tag", tag("test"), "ok"}, {"at once", encrypt, refused}})
	assert.Len(t, b.tagsOf(key), 1, "lists show it at once")
	b.Clock.Advance(delay / 2)
	answers(t, []ask{{"another tag in its place", tag("live"), "ok"}, {"half way", encrypt, refused}})
	b.Clock.Advance(delay / 2)
	answers(t, []ask{{"the first counts", encrypt, "ok"}})
	b.Clock.Advance(delay / 2)
	answers(t, []ask{{"then the second", encrypt, refused}, {"the first again", tag("test"), "ok"}})
	b.Clock.Advance(delay)
	answers(t, []ask{{"which counts", encrypt, "ok"}, {"until it is taken away", untag, "ok"}, {"and a while longer", encrypt, "ok"}})
	b.Clock.Advance(delay)
	answers(t, []ask{{"and then not", encrypt, refused}})

	made, err := b.as(alice).CreateKey(b.ctx, &kms.CreateKeyInput{Tags: tags("stage", "test")})
	require.NoError(t, err)
	answers(t, []ask{{"a key that was made with the tag", b.encrypts(nobody, *made.KeyMetadata.Arn, nil), "ok"}})
}

// TestAliasesCountAfterTheDelay: ALS-32. The name leads to the key at once.
func TestAliasesCountAfterTheDelay(t *testing.T) {
	b := later(t, restrictedWorld)
	admin, reader := b.as(enginetest.Keys{ID: "AKIAADMIN", Secret: "secret"}), b.as(enginetest.Keys{ID: "AKIAREADER", Secret: "secret"})
	var keys [2]string
	for i := range keys {
		made, err := admin.CreateKey(b.ctx, &kms.CreateKeyInput{})
		require.NoError(t, err)
		keys[i] = *made.KeyMetadata.Arn
	}
	const name = "alias/restricted"
	describe := func(who *kms.Client, key string) func() error {
		return func() error { return second(who.DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})) }
	}
	refused := func(key string) string {
		return noIdentity("arn:aws:iam::111122223333:user/reader", "DescribeKey", key)
	}
	answers(t, []ask{
		{"an alias", func() error {
			return second(admin.CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: aws.String(name), TargetKeyId: &keys[0]}))
		}, "ok"},
		{"leads to the key", describe(admin, name), "ok"},
		{"and does not count", describe(reader, keys[0]), refused(keys[0])},
	})
	b.Clock.Advance(delay)
	answers(t, []ask{
		{"after the delay", describe(reader, keys[0]), "ok"},
		{"it moves", func() error {
			return second(admin.UpdateAlias(b.ctx, &kms.UpdateAliasInput{AliasName: aws.String(name), TargetKeyId: &keys[1]}))
		}, "ok"},
		{"the first key still has it", describe(reader, keys[0]), "ok"},
		{"the second does not have it yet", describe(reader, keys[1]), refused(keys[1])},
	})
	b.Clock.Advance(delay)
	answers(t, []ask{
		{"after the delay the first does not have it", describe(reader, keys[0]), refused(keys[0])},
		{"but the second", describe(reader, keys[1]), "ok"},
		{"it is deleted", func() error {
			return second(admin.DeleteAlias(b.ctx, &kms.DeleteAliasInput{AliasName: aws.String(name)}))
		}, "ok"},
		{"and counts on", describe(reader, keys[1]), "ok"},
	})
	b.Clock.Advance(delay)
	answers(t, []ask{{"until after the delay", describe(reader, keys[1]), refused(keys[1])}})
}

// TestWorldCanAskForTheDelay: and is told of it where it says what is enforced.
func TestWorldCanAskForTheDelay(t *testing.T) {
	t.Parallel()
	b := start(t, enginetest.Config{World: worldText + "-- settings.yaml --\nsettings: {consistency-delay: 60}\n"})
	assert.Equal(t, "changes of grants, tags and aliases count after 1m0s", b.Enforced()["consistencyDelay"])
	key := b.newKey(aliceOnly)
	b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Encrypt")})
	answers(t, []ask{{"at once", b.encrypts(nobody, key, nil), noResource(nobodyARN, "Encrypt", key)}})
	b.Clock.Advance(time.Minute)
	answers(t, []ask{{"a minute later", b.encrypts(nobody, key, nil), "ok"}})
}
