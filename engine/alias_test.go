package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/store"
)

// createAlias makes a call that gives key an alias.
func (b bench) createAlias(name, key string) func() error {
	return func() error {
		return second(b.as(alice).CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &key}))
	}
}

// aliases lists the aliases of acme, or those of one key.
func (b bench) aliases(key *string) []types.AliasListEntry {
	b.t.Helper()
	out, err := b.as(alice).ListAliases(b.ctx, &kms.ListAliasesInput{KeyId: key})
	require.NoError(b.t, err)
	return out.Aliases
}

func TestAliasNames(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	longest := "alias/" + strings.Repeat("n", 250)
	invalid := func(name string) string {
		return "ValidationException: " + name + " contains invalid characters for an alias"
	}
	const prefix = `ValidationException: Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`
	answers(t, []ask{
		{"letters, digits and all marks (ALS-02)", b.createAlias("alias/aZ09/_-", key), "ok"},
		{"the prefix twice (ALS-06)", b.createAlias("alias/alias/X", key), "ok"},
		{"the longest (AMB-16)", b.createAlias(longest, key), "ok"},
		{"other case (ALS-07)", b.createAlias("alias/Az09/_-", key), "ok"},
		{"a name again (ALS-08)", b.createAlias("alias/alias/X", key),
			"AlreadyExistsException: An alias with the name arn:aws:kms:us-east-1:111122223333:alias/alias/X already exists"},
		{"one too long", b.createAlias(longest+"n", key), "ValidationException: 1 validation error detected: Value '" + longest +
			"n' at 'aliasName' failed to satisfy constraint: Member must have length less than or equal to 256"},
		{"no prefix (ALS-04)", b.createAlias("payroll", key), prefix},
		{"the prefix in capitals", b.createAlias("Alias/payroll", key), prefix},
		{"the prefix alone", b.createAlias("alias/", key), invalid("alias/")},
		{"a colon (ALS-03)", b.createAlias("alias/Service:Test", key), invalid("alias/Service:Test")},
		{"a reserved name (ALS-05, AMB-15)", b.createAlias("alias/aws/s3", key),
			"InvalidAliasNameException: The alias prefix alias/aws/ is reserved for AWS managed keys."},
		{"an alias as the target (ALS-11)", b.createAlias("alias/two", "alias/alias/X"), "NotFoundException: Invalid keyId 'alias/alias/X'"},
	})
	assert.Len(t, b.aliases(nil), 4)
}

func TestAliasIsMovedAndDeleted(t *testing.T) {
	b := newBench(t)
	one, two := b.newKey(""), b.newKey("")
	name, created := "alias/payroll", b.Clock.Now()
	answers(t, []ask{{"it is made", b.createAlias(name, one), "ok"}})
	entry := types.AliasListEntry{
		AliasName: &name, AliasArn: aws.String("arn:aws:kms:us-east-1:111122223333:alias/payroll"), TargetKeyId: aws.String(id(one)),
		CreationDate: &created, LastUpdatedDate: &created,
	}
	assert.Equal(t, []types.AliasListEntry{entry}, b.aliases(nil), "ALS-18")

	b.Clock.Advance(time.Hour)
	updated := b.Clock.Now()
	require.NoError(t, second(b.as(alice).UpdateAlias(b.ctx, &kms.UpdateAliasInput{AliasName: &name, TargetKeyId: &two})))
	entry.TargetKeyId, entry.LastUpdatedDate = aws.String(id(two)), &updated
	assert.Equal(t, []types.AliasListEntry{entry}, b.aliases(&two), "ALS-15")
	assert.Empty(t, b.aliases(aws.String(id(one))), "ALS-09, ALS-19")
	assert.Equal(t, two, *b.describe(name).Arn, "KID-08")

	remove := func() error { return second(b.as(alice).DeleteAlias(b.ctx, &kms.DeleteAliasInput{AliasName: &name})) }
	const gone = "NotFoundException: Alias arn:aws:kms:us-east-1:111122223333:alias/payroll is not found."
	answers(t, []ask{
		{"in other case (ALS-17)", func() error {
			return second(b.as(alice).DeleteAlias(b.ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/Payroll")}))
		}, "NotFoundException: Alias arn:aws:kms:us-east-1:111122223333:alias/Payroll is not found."},
		{"it is deleted", remove, "ok"},
		{"it is deleted again", remove, gone},
		{"it is moved", func() error {
			return second(b.as(alice).UpdateAlias(b.ctx, &kms.UpdateAliasInput{AliasName: &name, TargetKeyId: &two}))
		}, gone},
		{"it is made again", b.createAlias(name, one), "ok"},
	})
	assert.Equal(t, types.KeyStateEnabled, b.describe(two).KeyState, "ALS-01")
}

// TestAliasMayLeaveAKeyThatIsPendingDeletion: ALS-34, the footnote of the key state table on UpdateAlias.
func TestAliasMayLeaveAKeyThatIsPendingDeletion(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	b.arrange(f, types.KeyStatePendingDeletion)
	move := func(target string) func() error {
		return func() error {
			return second(b.as(alice).UpdateAlias(b.ctx, &kms.UpdateAliasInput{AliasName: &f.alias, TargetKeyId: &target}))
		}
	}
	answers(t, []ask{
		{"it cannot be pointed to it again", move(f.key), "KMSInvalidStateException: " + f.key + " is pending deletion."},
		{"it may leave", move(f.other), "ok"},
		{"it cannot come back", move(f.key), "KMSInvalidStateException: " + f.key + " is pending deletion."},
		{"no new one is made", b.createAlias("alias/new", f.key), "KMSInvalidStateException: " + f.key + " is pending deletion."},
	})
}

func TestKeyHasAtMostFiftyAliases(t *testing.T) {
	b := newBench(t)
	full, other := b.newKey(""), b.newKey("")
	for i := range 50 {
		require.NoError(t, b.createAlias(fmt.Sprintf("alias/%02d", i), full)())
	}
	move := func() error {
		return second(b.as(alice).UpdateAlias(b.ctx, &kms.UpdateAliasInput{AliasName: aws.String("alias/moving"), TargetKeyId: &full}))
	}
	quota := "LimitExceededException: The key " + full + " has reached its quota of 50 aliases."
	answers(t, []ask{
		{"the 51st (ALS-21)", b.createAlias("alias/50", full), quota},
		{"another key has room", b.createAlias("alias/moving", other), "ok"},
		{"moving one to the full key", move, quota},
		{"one to itself", func() error {
			return second(b.as(alice).UpdateAlias(b.ctx, &kms.UpdateAliasInput{AliasName: aws.String("alias/07"), TargetKeyId: &full}))
		}, "ok"},
		{"one goes", func() error {
			return second(b.as(alice).DeleteAlias(b.ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/07")}))
		}, "ok"},
		{"and another may come", move, "ok"},
	})
}

// aliasWorld has users who may do one half of what an alias operation needs:
// ALS-24 to ALS-26.
const aliasWorld = `
-- world.yaml --
accounts:
  "111122223333":
    users:
      admin:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        access-keys: {AKIAADMIN: secret}
      names:
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:*Alias", Resource: "arn:aws:kms:us-east-1:111122223333:alias/*"}]}}
        access-keys: {AKIANAMES: secret}
      keys:
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:*Alias", Resource: "arn:aws:kms:us-east-1:111122223333:key/*"}]}}
        access-keys: {AKIAKEYS: secret}
      some:
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:*Alias", Resource: "arn:aws:kms:us-east-1:111122223333:alias/some/*"},
          {Effect: Allow, Action: "kms:*Alias", Resource: "arn:aws:kms:us-east-1:111122223333:key/*", Condition: {StringEquals: {"aws:ResourceTag/team": red}}}]}}
        access-keys: {AKIASOME: secret}
      conditional:
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:*Alias", Resource: "arn:aws:kms:us-east-1:111122223333:alias/*", Condition: {StringEquals: {"kms:CallerAccount": "111122223333"}}},
          {Effect: Allow, Action: "kms:*Alias", Resource: "arn:aws:kms:us-east-1:111122223333:key/*"}]}}
        access-keys: {AKIACONDITIONAL: secret}
`

func TestAliasOperationsNeedTheAliasAndEachKey(t *testing.T) {
	k := enginetest.New(t, enginetest.Config{World: aliasWorld})
	as := func(name string) *kms.Client {
		return k.KMS(enginetest.Keys{ID: "AKIA" + strings.ToUpper(name), Secret: "secret"}, region)
	}
	ctx := t.Context()
	key := func(team string) string {
		out, err := as("admin").CreateKey(ctx, &kms.CreateKeyInput{Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: &team}}})
		require.NoError(t, err)
		return *out.KeyMetadata.Arn
	}
	red, blue := key("red"), key("blue")
	create := func(who, name, target string) func() error {
		return func() error {
			return second(as(who).CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/" + name), TargetKeyId: &target}))
		}
	}
	move := func(who, name, target string) func() error {
		return func() error {
			return second(as(who).UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: aws.String("alias/" + name), TargetKeyId: &target}))
		}
	}
	remove := func(who, name string) func() error {
		return func() error {
			return second(as(who).DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/" + name)}))
		}
	}
	refused := func(who, operation, resource string) string {
		return "AccessDeniedException: User: arn:aws:iam::111122223333:user/" + who + " is not authorized to perform: kms:" + operation +
			" on resource: " + resource + " because no identity-based policy allows the kms:" + operation + " action"
	}
	const arn = "arn:aws:kms:us-east-1:111122223333:alias/"
	answers(t, []ask{
		{"CreateAlias with the alias half alone", create("names", "x", red), refused("names", "CreateAlias", red)},
		{"CreateAlias with the key half alone", create("keys", "x", red), refused("keys", "CreateAlias", arn+"x")},
		{"CreateAlias of another name", create("some", "x", red), refused("some", "CreateAlias", arn+"x")},
		{"CreateAlias for another key", create("some", "some/x", blue), refused("some", "CreateAlias", blue)},
		{"CreateAlias with both halves", create("some", "some/x", red), "ok"},
		{"a condition of the service on an alias never holds (ALS-29)", create("conditional", "y", red), refused("conditional", "CreateAlias", arn+"y")},
		{"UpdateAlias to a key that is not allowed", move("some", "some/x", blue), refused("some", "UpdateAlias", blue)},
		{"UpdateAlias by the administrator", move("admin", "some/x", blue), "ok"},
		{"UpdateAlias from a key that is not allowed", move("some", "some/x", red), refused("some", "UpdateAlias", blue)},
		{"UpdateAlias without the alias", move("keys", "some/x", red), refused("keys", "UpdateAlias", arn+"some/x")},
		{"DeleteAlias of a key that is not allowed", remove("some", "some/x"), refused("some", "DeleteAlias", blue)},
		{"DeleteAlias without the alias", remove("keys", "some/x"), refused("keys", "DeleteAlias", arn+"some/x")},
		{"UpdateAlias back", move("admin", "some/x", red), "ok"},
		{"DeleteAlias with both halves", remove("some", "some/x"), "ok"},
	})
}

// TestAliasConditions: ALS-30 to ALS-33, with key policies and IAM policies.
func TestAliasConditions(t *testing.T) {
	b := newBench(t)
	const onRequest = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/nobody"},"Action":["kms:DescribeKey","kms:GenerateDataKey","kms:ListGrants"],
		 "Resource":"*","Condition":{"StringLike":{"kms:RequestAlias":"alias/*alpha*"}}}]}`
	key := b.newKey(onRequest)
	require.NoError(t, b.createAlias("alias/project-alpha", key)())
	require.NoError(t, b.createAlias("alias/project-beta", key)())
	describe := func(name string) func() error {
		return func() error { return second(b.as(nobody).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &name})) }
	}
	refused := func(action string) string {
		return "AccessDeniedException: User: " + nobodyARN + " is not authorized to perform: kms:" + action + " on resource: " + key +
			" because no identity-based policy allows the kms:" + action + " action"
	}
	answers(t, []ask{
		{"by its name", describe("alias/project-alpha"), "ok"},
		{"by its ARN", describe("arn:aws:kms:us-east-1:111122223333:alias/project-alpha"), "ok"},
		{"by another alias", describe("alias/project-beta"), refused("DescribeKey")},
		{"by the key id", describe(id(key)), refused("DescribeKey")},
		{"by the key ARN", describe(key), refused("DescribeKey")},
		{"a cryptographic operation", func() error {
			return second(b.as(nobody).GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: aws.String("alias/project-alpha"), KeySpec: types.DataKeySpecAes128}))
		}, "ok"},
		{"an operation that takes no alias", func() error {
			return second(b.as(nobody).ListGrants(b.ctx, &kms.ListGrantsInput{KeyId: &key}))
		}, refused("ListGrants")},
		{"the alias goes", func() error {
			return second(b.as(alice).DeleteAlias(b.ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/project-alpha")}))
		}, "ok"},
		{"and comes to another key", b.createAlias("alias/project-alpha", b.newKey(onRequest)), "ok"},
		{"whose policy says the same", describe("alias/project-alpha"), "ok"},
	})
}

// restrictedWorld has a user who may describe keys by the aliases that they
// have: ALS-22, ALS-31.
const restrictedWorld = `
-- world.yaml --
accounts:
  "111122223333":
    users:
      admin:
        managed: ["arn:aws:iam::aws:policy/AdministratorAccess"]
        access-keys: {AKIAADMIN: secret}
      reader:
        policies: {p: {Version: "2012-10-17", Statement: [
          {Effect: Allow, Action: "kms:DescribeKey", Resource: "*", Condition: {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/restricted*"}}}]}}
        access-keys: {AKIAREADER: secret}
`

func TestResourceAliasesAreThoseOfTheKey(t *testing.T) {
	b := start(t, enginetest.Config{World: restrictedWorld, Quotas: engine.Quotas{AliasesPerKey: 3}})
	admin, reader := b.as(enginetest.Keys{ID: "AKIAADMIN", Secret: "secret"}), b.as(enginetest.Keys{ID: "AKIAREADER", Secret: "secret"})
	made, err := admin.CreateKey(b.ctx, &kms.CreateKeyInput{})
	require.NoError(t, err)
	key := *made.KeyMetadata.Arn
	create := func(name string) func() error {
		return func() error {
			return second(admin.CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &key}))
		}
	}
	describe := func() error { return second(reader.DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})) }
	refused := noIdentity("arn:aws:iam::111122223333:user/reader", "DescribeKey", key)
	answers(t, []ask{
		{"a key without an alias", describe, refused},
		{"it gets another alias", create("alias/other"), "ok"},
		{"which does not match", describe, refused},
		{"it gets one that does", create("alias/restricted-1"), "ok"},
		{"however the key is named", describe, "ok"},
		{"it is at its quota", create("alias/third"), "ok"},
		{"which is not over it", describe, "ok"},
	})
	require.NoError(t, b.Store.Update(func(tx *store.Tx) error {
		return tx.PutAlias(store.Alias{Account: acme, Region: region, Name: "alias/restricted-2", TargetKeyID: id(key)})
	}))
	answers(t, []ask{{"over its quota of aliases no condition on them holds (ALS-22)", describe, refused}})
}
