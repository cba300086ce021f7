package engine_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/store"
)

const invalidMarker = "InvalidMarkerException: The marker is not valid."

// ofKeys are the listings of what belongs to a key, all of which can be paged.
var ofKeys = map[string]func(b bench, key string, limit *int32, marker *string) (listed, error){
	"ListAliases":         listAliasesOfKey,
	"ListGrants":          listGrants,
	"ListResourceTags":    listTags,
	"ListKeyRotations":    listRotations,
	"ListAliases of all":  listAliases,
	"ListRetirableGrants": listRetirableGrants,
}

func listRotations(b bench, key string, limit *int32, marker *string) (listed, error) {
	out, err := b.in(regionOf(key)).ListKeyRotations(b.ctx, &kms.ListKeyRotationsInput{KeyId: &key, Limit: limit, Marker: marker})
	if err != nil {
		return listed{}, err
	}
	return listedOf(out.Rotations, func(r types.RotationsListEntry) *string { return r.KeyMaterialId }, out.Truncated, out.NextMarker), nil
}

// withEntries is a new key that has three of each kind of entry.
func (b bench) withEntries(first int) string {
	b.t.Helper()
	key := b.newKey("")
	addr := store.KeyAddr{Account: acme, Region: region, ID: id(key)}
	for n := range 3 {
		require.NoError(b.t, second(b.as(alice).RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key})))
		require.NoError(b.t, b.Store.Update(func(tx *store.Tx) error {
			for _, add := range []func(*store.Tx, bench, store.KeyAddr, int) (string, error){addAlias, addGrant, addTag} {
				if _, err := add(tx, b, addr, first+n); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return key
}

// TestMarkersBelongToTheirListing (PAG-03): a marker of another operation or
// another key is none, as is one that was changed.
func TestMarkersBelongToTheirListing(t *testing.T) {
	b := newBench(t)
	key, other := b.withEntries(0), b.withEntries(10)
	whole := map[string]bool{"ListAliases of all": true, "ListRetirableGrants": true} // of no key
	markers := map[string]*string{}
	for name, list := range ofKeys {
		page, err := list(b, key, aws.Int32(1), nil)
		require.NoError(t, err, name)
		require.NotNil(t, page.next, name)
		markers[name] = page.next
	}
	for name, list := range ofKeys {
		page, err := list(b, key, nil, markers[name])
		require.NoError(t, err, name)
		assert.NotEmpty(t, page.names, name)
		for from, m := range markers {
			if from != name {
				assert.Equal(t, invalidMarker, said(second(list(b, key, nil, m))), "%s with the marker of %s", name, from)
			}
		}
		if !whole[name] {
			assert.Equal(t, invalidMarker, said(second(list(b, other, nil, markers[name]))), "%s with the marker of another key", name)
		}
		for at := range len(*markers[name]) {
			changed := []byte(*markers[name])
			changed[at] ^= 1
			assert.Equal(t, invalidMarker, said(second(list(b, key, nil, aws.String(string(changed))))), "%s with byte %d changed", name, at)
		}
	}
}

// TestMarkersBelongToTheirAccountAndRegion.
func TestMarkersBelongToTheirAccountAndRegion(t *testing.T) {
	b := newBench(t)
	key := b.newMultiRegion()
	b.newKey("")
	for n := range 3 {
		require.NoError(t, second(b.as(alice).RotateKeyOnDemand(b.ctx, &kms.RotateKeyOnDemandInput{KeyId: &key})), n)
	}
	replica := b.replicate(key, europe)
	page, err := listRotations(b, key, aws.Int32(1), nil)
	require.NoError(t, err)
	assert.Equal(t, invalidMarker, said(second(listRotations(b, replica, nil, page.next))), "of the primary, for its replica")

	keys, err := b.as(alice).ListKeys(b.ctx, &kms.ListKeysInput{Limit: aws.Int32(1)})
	require.NoError(t, err)
	require.NotNil(t, keys.NextMarker)
	for name, c := range map[string]*kms.Client{"another account": b.as(carol), "another Region": b.in(europe)} {
		assert.Equal(t, invalidMarker, said(second(c.ListKeys(b.ctx, &kms.ListKeysInput{Marker: keys.NextMarker}))), name)
	}
}

// TestRotationsGoOnWhereTheyStopped: pages hold each rotation once, also when
// the parameter changes in between.
func TestRotationsGoOnWhereTheyStopped(t *testing.T) {
	b := newBench(t)
	key := b.withEntries(0)
	all, err := listRotations(b, key, nil, nil)
	require.NoError(t, err)
	require.Len(t, all.names, 3)
	for size := range int32(3) {
		l := listing{list: listRotations}
		assert.Equal(t, all.names, l.whole(b, key, size+1), fmt.Sprintf("pages of %d", size+1))
	}
	first, err := b.as(alice).ListKeyRotations(b.ctx, &kms.ListKeyRotationsInput{
		KeyId: &key, Limit: aws.Int32(1), IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial,
	})
	require.NoError(t, err)
	rest, err := listRotations(b, key, nil, first.NextMarker)
	require.NoError(t, err)
	assert.Equal(t, all.names, rest.names, "behind the first material, which no rotation brought")
}
