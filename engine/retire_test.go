package engine_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

const (
	acmeRootARN    = "arn:aws:iam::111122223333:root"
	partnerRootARN = "arn:aws:iam::444455556666:root"
)

// TestWhoMayRetireAGrant: A-17. The key policy has no say, so the key's
// allows all to everybody.
func TestWhoMayRetireAGrant(t *testing.T) {
	b := newBench(t)
	for _, g := range []struct {
		name    string
		retiree *string
		issuer  enginetest.Keys
		ops     []types.GrantOperation
		may     []enginetest.Keys
		mayNot  []enginetest.Keys
	}{
		{"a grant without a retiring principal", nil, alice, operations("Decrypt"),
			[]enginetest.Keys{root, alice}, []enginetest.Keys{nobody, bob, fenced, carol, dave, partnerRoot}},
		{"a grant that its grantee may retire", nil, alice, operations("Decrypt", "RetireGrant"),
			[]enginetest.Keys{nobody, alice}, []enginetest.Keys{bob, dave}},
		{"a retiring principal of the own account", aws.String(bobARN), alice, operations("Decrypt"),
			[]enginetest.Keys{bob, alice}, []enginetest.Keys{nobody, carol, dave}},
		{"a retiring principal of another account", aws.String(daveARN), alice, operations("Decrypt"),
			[]enginetest.Keys{dave, alice}, []enginetest.Keys{nobody, carol, partnerRoot}},
		{"another account as the retiring principal", aws.String(partnerRootARN), alice, operations("Decrypt"),
			[]enginetest.Keys{partnerRoot, carol, alice}, []enginetest.Keys{nobody, dave}},
		{"a grant that another account made", nil, carol, operations("Decrypt"),
			[]enginetest.Keys{partnerRoot, alice, root}, []enginetest.Keys{nobody, carol, dave, bob}},
	} {
		key := b.newKey(open)
		make := func() *kms.CreateGrantOutput {
			return b.give(g.issuer, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), RetiringPrincipal: g.retiree, Operations: g.ops})
		}
		for _, who := range g.mayNot {
			made := make()
			code, message := failure(t, second(b.as(who).RetireGrant(b.ctx, &kms.RetireGrantInput{KeyId: &key, GrantId: made.GrantId})))
			assert.Equal(t, "AccessDeniedException", code, "%s: %s", g.name, who.ID)
			assert.Contains(t, message, "is not authorized to perform: kms:RetireGrant on resource: "+key, "%s: %s", g.name, who.ID)
			byToken := said(second(b.as(who).RetireGrant(b.ctx, &kms.RetireGrantInput{GrantToken: made.GrantToken})))
			assert.Equal(t, code+": "+message, byToken, "%s: %s by its token", g.name, who.ID)
		}
		for _, who := range g.may {
			made := make()
			assert.Equal(t, "ok", said(second(b.as(who).RetireGrant(b.ctx, &kms.RetireGrantInput{KeyId: &key, GrantId: made.GrantId}))), "%s: %s", g.name, who.ID)
			assert.Equal(t, "ok", said(second(b.as(who).RetireGrant(b.ctx, &kms.RetireGrantInput{GrantToken: make().GrantToken}))),
				"%s: %s by its token", g.name, who.ID)
		}
	}
}

func TestRetireGrantNamesOneGrant(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	retire := func(who enginetest.Keys, in kms.RetireGrantInput) func() error {
		return func() error { return second(b.as(who).RetireGrant(b.ctx, &in)) }
	}
	const choose = "ValidationException: Specify either a grant token or both a key ID and a grant ID."
	unknown := aws.String("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	answers(t, []ask{
		{"nothing", retire(alice, kms.RetireGrantInput{}), choose},
		{"a grant without its key", retire(alice, kms.RetireGrantInput{GrantId: &f.grant}), choose},
		{"a key without its grant", retire(alice, kms.RetireGrantInput{KeyId: &f.key}), choose},
		{"both ways at once", retire(alice, kms.RetireGrantInput{KeyId: &f.key, GrantId: &f.grant, GrantToken: &f.token}), choose},
		{"a grant that is not there", retire(alice, kms.RetireGrantInput{KeyId: &f.key, GrantId: unknown}), "NotFoundException: Grant " + *unknown + " does not exist."},
		{"the grant of another key", retire(alice, kms.RetireGrantInput{KeyId: &f.other, GrantId: &f.grant}), "NotFoundException: Grant " + f.grant + " does not exist."},
		{"what is no token", retire(alice, kms.RetireGrantInput{GrantToken: aws.String("bm90aGluZw==")}), "InvalidGrantTokenException: Invalid grant token."},
		{"a key id", retire(alice, kms.RetireGrantInput{KeyId: aws.String(id(f.key)), GrantId: &f.grant}), "ok"},
		{"a token of a grant that is gone", retire(alice, kms.RetireGrantInput{GrantToken: &f.token}), "NotFoundException: Grant " + f.grant + " does not exist."},
		{"the same, of somebody of another account", retire(dave, kms.RetireGrantInput{GrantToken: &f.token}),
			noIdentity(daveARN, "RetireGrant", f.key)},
	})
}

// TestRetiringIsDeniedByIAMPoliciesAlone: A-17.
func TestRetiringIsDeniedByIAMPoliciesAlone(t *testing.T) {
	b := newBench(t)
	key := b.newKey(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":"kms:RetireGrant","Resource":"*"}]}`)
	made := b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), RetiringPrincipal: aws.String(payrollARN), Operations: operations("Decrypt")})
	denied := b.assume(bob, payrollARN, "denied", withPolicy(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:RetireGrant","Resource":"*"}]}`))
	code, message := failure(t, second(b.as(denied).RetireGrant(b.ctx, &kms.RetireGrantInput{KeyId: &key, GrantId: made.GrantId})))
	assert.Equal(t, "AccessDeniedException", code)
	assert.Contains(t, message, "with an explicit deny in a session policy")
	free := b.assume(bob, payrollARN, "free")
	assert.Equal(t, "ok", said(second(b.as(free).RetireGrant(b.ctx, &kms.RetireGrantInput{KeyId: &key, GrantId: made.GrantId}))), "a deny in the key policy does not count")
}

func TestRevokingNeedsPermission(t *testing.T) {
	b := newBench(t)
	f := b.newFixture("")
	revoke := func(who enginetest.Keys) func() error {
		return func() error { return calls["RevokeGrant"](b.ctx, b.as(who), f) }
	}
	answers(t, []ask{
		{"who may do nothing", revoke(nobody), noIdentity(nobodyARN, "RevokeGrant", f.key)},
		{"the retiring principal, who may only retire", revoke(bob), noIdentity(bobARN, "RevokeGrant", f.key)},
		{"an administrator", revoke(alice), "ok"},
	})
}

// TestGrantTokensAreCheckedByAllThatTakeThem: A-54. A token that is none is
// refused, one of another grant or of one that is gone changes nothing.
func TestGrantTokensAreCheckedByAllThatTakeThem(t *testing.T) {
	b := newBench(t)
	var takers []string
	for _, operation := range sortedKeys(calls) {
		if !takes(t, operation, "GrantTokens") {
			continue
		}
		takers = append(takers, operation)
		f := b.newFixture("")
		f.tokens = []string{f.token, f.token}
		assert.Equal(t, "ok", said(calls[operation](b.ctx, b.as(alice), f)), operation)
		f.tokens = []string{f.token, "bm90aGluZw=="}
		assert.Equal(t, "InvalidGrantTokenException: Invalid grant token.", said(calls[operation](b.ctx, b.as(alice), f)), operation)
		assert.Equal(t, "InvalidGrantTokenException: Invalid grant token.", said(calls[operation](b.ctx, b.as(nobody), f)), operation)
	}
	assert.Equal(t, append([]string{"CreateGrant"}, byAnyName...), takers)
}

func TestListedGrantsTellAllButTheirToken(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	full := b.give(alice, kms.CreateGrantInput{
		KeyId: &key, GranteePrincipal: aws.String(nobodyARN), RetiringPrincipal: aws.String(daveARN), Name: aws.String("nightly"),
		Operations: operations("Encrypt", "Decrypt"), Constraints: subset("dept", "IT"),
	})
	bare := b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(bobARN), Operations: operations("DescribeKey")})
	entries := map[string]types.GrantListEntry{
		*full.GrantId: {
			GrantId: full.GrantId, KeyId: &key, Name: aws.String("nightly"), CreationDate: aws.Time(b.Clock.Now()), GranteePrincipal: aws.String(nobodyARN),
			RetiringPrincipal: aws.String(daveARN), IssuingAccount: aws.String(acmeRootARN), Operations: operations("Decrypt", "Encrypt"), Constraints: subset("dept", "IT"),
		},
		*bare.GrantId: {
			GrantId: bare.GrantId, KeyId: &key, Name: aws.String(""), CreationDate: aws.Time(b.Clock.Now()), GranteePrincipal: aws.String(bobARN),
			IssuingAccount: aws.String(acmeRootARN), Operations: operations("DescribeKey"),
		},
	}
	list := func(in kms.ListGrantsInput) []types.GrantListEntry {
		in.KeyId = aws.String(id(key))
		out, err := b.as(alice).ListGrants(b.ctx, &in)
		require.NoError(t, err)
		assert.False(t, out.Truncated)
		return out.Grants
	}
	assert.ElementsMatch(t, []types.GrantListEntry{entries[*full.GrantId], entries[*bare.GrantId]}, list(kms.ListGrantsInput{}))
	assert.Equal(t, []types.GrantListEntry{entries[*bare.GrantId]}, list(kms.ListGrantsInput{GrantId: bare.GrantId}))
	assert.Equal(t, []types.GrantListEntry{entries[*full.GrantId]}, list(kms.ListGrantsInput{GranteePrincipal: aws.String(nobodyARN)}))
	assert.Empty(t, list(kms.ListGrantsInput{GranteePrincipal: aws.String(nobodyARN), GrantId: bare.GrantId}))
	assert.Empty(t, list(kms.ListGrantsInput{GranteePrincipal: aws.String(daveARN)}))

	retirable, err := b.as(carol).ListRetirableGrants(b.ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(daveARN)})
	require.NoError(t, err)
	assert.Equal(t, []types.GrantListEntry{entries[*full.GrantId]}, retirable.Grants, "on keys of any account")
	eu, err := b.KMS(carol, "eu-west-1").ListRetirableGrants(b.ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(daveARN)})
	require.NoError(t, err)
	assert.Empty(t, eu.Grants, "of this Region")
	answers(t, []ask{
		{"a principal of another account", func() error {
			return second(b.as(alice).ListRetirableGrants(b.ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(daveARN)}))
		}, "InvalidArnException: The retiring principal must be in the caller's account."},
		{"a principal who does not exist", func() error {
			return second(b.as(alice).ListRetirableGrants(b.ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String("arn:aws:iam::111122223333:user/ghost")}))
		}, "InvalidArnException: ARN does not refer to a valid principal: arn:aws:iam::111122223333:user/ghost"},
		{"without permission", func() error {
			return second(b.as(dave).ListRetirableGrants(b.ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(daveARN)}))
		}, "AccessDeniedException: User: " + daveARN + " is not authorized to perform: kms:ListRetirableGrants because no identity-based policy allows the kms:ListRetirableGrants action"},
	})
}
