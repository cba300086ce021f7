package engine_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/grant"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/store"
)

// A listed is one page of a listing.
type listed struct {
	names     []string
	truncated bool
	next      *string
}

// listedOf takes a page out of an answer.
func listedOf[T any](entries []T, name func(T) *string, truncated bool, next *string) listed {
	page := listed{truncated: truncated, next: next}
	for _, e := range entries {
		page.names = append(page.names, *name(e))
	}
	return page
}

// A listing is one operation that pages over entries of a key of acme, or of
// an account: PAG-01 to PAG-04.
type listing struct {
	most, usual int32
	add         func(tx *store.Tx, b bench, key store.KeyAddr, n int) (name string, err error)
	remove      func(tx *store.Tx, key store.KeyAddr, name string) error
	list        func(b bench, key string, limit *int32, marker *string) (listed, error)
}

var listings = map[string]listing{
	"ListKeys":             {1000, 100, addKey, removeKey, listKeys},
	"ListAliases":          {100, 50, addAlias, removeAlias, listAliases},
	"ListAliases of a key": {100, 50, addAlias, removeAlias, listAliasesOfKey},
	"ListGrants":           {100, 50, addGrant, removeGrant, listGrants},
	"ListRetirableGrants":  {100, 50, addGrant, removeGrant, listRetirableGrants},
	"ListResourceTags":     {50, 50, addTag, removeTag, listTags},
}

// addKey makes a key of partner, which has no other.
func addKey(tx *store.Tx, b bench, _ store.KeyAddr, n int) (string, error) {
	k := store.Key{
		Addr:  store.KeyAddr{Account: partner, Region: region, ID: fmt.Sprintf("%08x-0000-4000-8000-000000000000", n)},
		State: "Enabled", Created: b.Clock.Now(),
	}
	return k.Addr.ID, tx.PutKey(k)
}

func removeKey(tx *store.Tx, _ store.KeyAddr, name string) error {
	return tx.DeleteKey(store.KeyAddr{Account: partner, Region: region, ID: name})
}

func listKeys(b bench, _ string, limit *int32, marker *string) (listed, error) {
	out, err := b.as(carol).ListKeys(b.ctx, &kms.ListKeysInput{Limit: limit, Marker: marker})
	if err != nil {
		return listed{}, err
	}
	return listedOf(out.Keys, func(k types.KeyListEntry) *string { return k.KeyId }, out.Truncated, out.NextMarker), nil
}

func addAlias(tx *store.Tx, b bench, key store.KeyAddr, n int) (string, error) {
	now := b.Clock.Now()
	a := store.Alias{Account: acme, Region: region, Name: fmt.Sprintf("alias/%04d", n), TargetKeyID: key.ID, Created: now, Updated: now}
	return a.Name, tx.PutAlias(a)
}

func removeAlias(tx *store.Tx, _ store.KeyAddr, name string) error {
	return tx.DeleteAlias(acme, region, name)
}

func listAliases(b bench, _ string, limit *int32, marker *string) (listed, error) {
	return aliasPage(b.as(alice).ListAliases(b.ctx, &kms.ListAliasesInput{Limit: limit, Marker: marker}))
}

func listAliasesOfKey(b bench, key string, limit *int32, marker *string) (listed, error) {
	return aliasPage(b.as(alice).ListAliases(b.ctx, &kms.ListAliasesInput{KeyId: &key, Limit: limit, Marker: marker}))
}

func aliasPage(out *kms.ListAliasesOutput, err error) (listed, error) {
	if err != nil {
		return listed{}, err
	}
	return listedOf(out.Aliases, func(a types.AliasListEntry) *string { return a.AliasName }, out.Truncated, out.NextMarker), nil
}

func addGrant(tx *store.Tx, b bench, key store.KeyAddr, n int) (string, error) {
	g := store.Grant{
		ID: fmt.Sprintf("%064x", n), Key: key, Created: b.Clock.Now(), IssuingAccount: acme, Operations: []string{"Decrypt"},
		Grantee: bobARN, GranteeID: b.partyID(bobARN), GranteeAccount: acme, Retiree: aliceARN, RetireeID: b.partyID(aliceARN),
	}
	return g.ID, tx.PutGrant(g)
}

func removeGrant(tx *store.Tx, key store.KeyAddr, name string) error {
	return tx.DeleteGrant(key, name)
}

func listGrants(b bench, key string, limit *int32, marker *string) (listed, error) {
	out, err := b.as(alice).ListGrants(b.ctx, &kms.ListGrantsInput{KeyId: &key, Limit: limit, Marker: marker})
	if err != nil {
		return listed{}, err
	}
	return listedOf(out.Grants, func(g types.GrantListEntry) *string { return g.GrantId }, out.Truncated, out.NextMarker), nil
}

func listRetirableGrants(b bench, _ string, limit *int32, marker *string) (listed, error) {
	out, err := b.as(alice).ListRetirableGrants(b.ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(aliceARN), Limit: limit, Marker: marker})
	if err != nil {
		return listed{}, err
	}
	return listedOf(out.Grants, func(g types.GrantListEntry) *string { return g.GrantId }, out.Truncated, out.NextMarker), nil
}

func addTag(tx *store.Tx, _ bench, key store.KeyAddr, n int) (string, error) {
	name := fmt.Sprintf("%04d", n)
	return name, changeTags(tx, key, func(tags map[string]string) { tags[name] = "v" })
}

func removeTag(tx *store.Tx, key store.KeyAddr, name string) error {
	return changeTags(tx, key, func(tags map[string]string) { delete(tags, name) })
}

func listTags(b bench, key string, limit *int32, marker *string) (listed, error) {
	out, err := b.as(alice).ListResourceTags(b.ctx, &kms.ListResourceTagsInput{KeyId: &key, Limit: limit, Marker: marker})
	if err != nil {
		return listed{}, err
	}
	return listedOf(out.Tags, func(t types.Tag) *string { return t.TagKey }, out.Truncated, out.NextMarker), nil
}

func changeTags(tx *store.Tx, addr store.KeyAddr, change func(map[string]string)) error {
	k, err := tx.Key(addr)
	if err != nil {
		return err
	}
	tags := maps.Clone(k.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	change(tags)
	k.Tags = tags
	return tx.PutKey(k)
}

// partyID is how grants name a principal of the world.
func (b bench) partyID(arn string) string {
	b.t.Helper()
	p, known := identity.Party(b.World(), arn)
	require.True(b.t, known)
	return grant.PartyID(p)
}

func TestListingsGoOnWhereTheyStopped(t *testing.T) {
	for _, operation := range sortedKeys(listings) {
		t.Run(operation, func(t *testing.T) {
			b, l := newBench(t), listings[operation]
			key := b.newKey("")
			addr := store.KeyAddr{Account: acme, Region: region, ID: id(key)}
			add := func(n int) (name string) {
				require.NoError(t, b.Store.Update(func(tx *store.Tx) (err error) {
					name, err = l.add(tx, b, addr, n)
					return err
				}))
				return name
			}
			remove := func(name string) {
				require.NoError(t, b.Store.Update(func(tx *store.Tx) error { return l.remove(tx, addr, name) }))
			}
			var all []string
			for n := range 7 {
				all = append(all, add(2*n))
			}
			for _, size := range []int32{1, 3, 7, l.most} {
				assert.Equal(t, all, l.whole(b, key, size), "pages of %d", size)
			}

			first, err := l.list(b, key, aws.Int32(3), nil)
			require.NoError(t, err)
			assert.Equal(t, all[:3], first.names)
			remove(all[2]) // the entry that the marker stands at
			remove(all[4])
			add(1) // before it
			added := add(7)
			rest, err := l.list(b, key, nil, first.next)
			require.NoError(t, err)
			assert.Equal(t, []string{all[3], added, all[5], all[6]}, rest.names, "what stayed is listed once, whatever came and went (PAG-04)")
		})
	}
}

// whole is all of a listing, page by page.
func (l listing) whole(b bench, key string, size int32) (all []string) {
	b.t.Helper()
	var marker *string
	for pages := 0; ; pages++ {
		require.Less(b.t, pages, 8)
		page, err := l.list(b, key, &size, marker)
		require.NoError(b.t, err)
		assert.LessOrEqual(b.t, len(page.names), int(size))
		assert.Equal(b.t, page.truncated, page.next != nil, "PAG-02: a marker only if there is more")
		all = append(all, page.names...)
		if marker = page.next; !page.truncated {
			return all
		}
	}
}

func TestListingsHaveTheirLimits(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	addr := store.KeyAddr{Account: acme, Region: region, ID: id(key)}
	for _, operation := range sortedKeys(listings) {
		l := listings[operation]
		call := func(limit *int32, marker *string) func() error {
			return func() error { return second(l.list(b, key, limit, marker)) }
		}
		at := func(value int32, rule string) string {
			return fmt.Sprintf("ValidationException: 1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value %s", value, rule)
		}
		const invalid = "InvalidMarkerException: The marker is not valid."
		answers(t, []ask{
			{operation + " with the largest limit", call(&l.most, nil), "ok"},
			{operation + " with one more (PAG-01)", call(aws.Int32(l.most+1), nil), at(l.most+1, fmt.Sprintf("less than or equal to %d", l.most))},
			{operation + " with none", call(aws.Int32(0), nil), at(0, "greater than or equal to 1")},
			{operation + " with a marker of nobody (PAG-03)", call(nil, aws.String("marker")), invalid},
			{operation + " with an entry for a marker", call(nil, marker("ListKeys\x00a")), invalid},
			{operation + " with an entry behind a code of zeros", call(nil, marker(string(make([]byte, 16))+"a")), invalid},
		})
		require.NoError(t, b.Store.Update(func(tx *store.Tx) error {
			for n := range int(l.usual) + 1 {
				if _, err := l.add(tx, b, addr, n); err != nil {
					return err
				}
			}
			return nil
		}))
		page, err := l.list(b, key, nil, nil)
		require.NoError(t, err)
		assert.Len(t, page.names, int(l.usual), "%s without a limit", operation)
		assert.True(t, page.truncated, operation)
	}
}

func marker(text string) *string {
	return aws.String(base64.RawURLEncoding.EncodeToString([]byte(text)))
}

func TestPaginatorOfTheSDKReadsAllKeys(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.Store.Update(func(tx *store.Tx) error {
		for n := range 250 {
			if _, err := addKey(tx, b, store.KeyAddr{}, n); err != nil {
				return err
			}
		}
		return nil
	}))
	seen := map[string]bool{}
	for pages := kms.NewListKeysPaginator(b.as(carol), &kms.ListKeysInput{}); pages.HasMorePages(); {
		out, err := pages.NextPage(b.ctx)
		require.NoError(t, err)
		for _, k := range out.Keys {
			seen[*k.KeyArn] = true
		}
	}
	assert.Len(t, seen, 250)
}

// TestFilteredListGoesOn: a filter must not end a listing early, nor hand out
// a page that is empty for ever.
func TestFilteredListGoesOn(t *testing.T) {
	b := newBench(t)
	key := b.newKey("")
	addr := store.KeyAddr{Account: acme, Region: region, ID: id(key)}
	b.addGrants(addr, 120) // to alice
	var mine []string
	for range 3 {
		mine = append(mine, *b.give(alice, kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Operations: operations("Decrypt")}).GrantId)
	}
	var got []string
	in := &kms.ListGrantsInput{KeyId: &key, GranteePrincipal: aws.String(nobodyARN), Limit: aws.Int32(2)}
	for pages := kms.NewListGrantsPaginator(b.as(alice), in); pages.HasMorePages(); {
		out, err := pages.NextPage(b.ctx)
		require.NoError(t, err)
		for _, g := range out.Grants {
			got = append(got, *g.GrantId)
		}
	}
	assert.ElementsMatch(t, mine, got)
}
