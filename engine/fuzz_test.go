package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
)

// FuzzMarker: a marker is ours, and then goes on where it says, or it is
// InvalidMarkerException.
func FuzzMarker(f *testing.F) {
	f.Add(*page{operation: "ListKeys"}.next("1234abcd-12ab-34cd-56ef-1234567890ab"))
	f.Add("")
	f.Add("TGlzdEtleXM")
	f.Fuzz(func(t *testing.T, marker string) {
		p, err := (&Scope{}).page("ListKeys", nil, &marker)
		if err != nil {
			require.Equal(t, wire.InvalidMarker, wire.AsError(err).Code)
			return
		}
		require.NotEmpty(t, p.after)
		again, err := (&Scope{}).page("ListKeys", nil, p.next(p.after))
		require.NoError(t, err)
		require.Equal(t, p, again)
		if ref, err := grantAfter("us-east-1", p.after); err == nil {
			require.Equal(t, p.after, ref.Key.Account+"/"+ref.Key.ID+"/"+ref.ID)
		}
	})
}

// FuzzKeyIdentifier: an identifier names a key or an alias of one account, or
// it is NotFoundException.
func FuzzKeyIdentifier(f *testing.F) {
	path := filepath.Join(f.TempDir(), "world.txtar")
	require.NoError(f, os.WriteFile(path, []byte("-- world.yaml --\naccounts: {\"111122223333\": {}}\n"), 0o600))
	w, err := world.Load(path, nil)
	require.NoError(f, err)
	for _, seed := range []string{
		"1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-0123456789abcdef0123456789abcdef", "alias/x", "arn:aws:kms:us-east-1:444455556666:alias/x",
		"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:kms:us-east-1:1:key/alias/x", "arn:", "",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, identifier string, aliases bool) {
		s := &Scope{World: w, Region: "us-east-1", Caller: identity.Caller{Account: "111122223333"}}
		s.call = &call{caller: s.Caller}
		ref, err := s.parseReference(identifier, aliases)
		if err != nil {
			require.Equal(t, wire.NotFound, wire.AsError(err).Code)
			return
		}
		require.NotEqual(t, ref.id == "", ref.alias == "", "a key or an alias")
		require.True(t, strings.HasSuffix(identifier, ref.id+ref.alias))
		require.Equal(t, ref.account != "111122223333", ref.foreign)
		require.True(t, aliases || ref.alias == "")
		require.NotEmpty(t, ref.account)
	})
}
