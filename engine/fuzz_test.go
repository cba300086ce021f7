package engine

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
)

// FuzzMarker: a marker is ours, and then goes on where it says, or it is
// InvalidMarkerException.
func FuzzMarker(f *testing.F) {
	path := filepath.Join(f.TempDir(), "root.key")
	root, err := seal.CreateRootKey(path, rand.Reader)
	require.NoError(f, err)
	s := &Scope{engine: &Engine{cfg: Config{Root: root}}, Region: "us-east-1", Caller: identity.Caller{Account: "111122223333"}}
	f.Add("TGlzdEtleXM", "1234abcd-12ab-34cd-56ef-1234567890ab")
	f.Add("", "111122223333/1234abcd-12ab-34cd-56ef-1234567890ab/00")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "alias/x")
	f.Fuzz(func(t *testing.T, forged, after string) {
		_, err := s.page("ListKeys", "", nil, &forged)
		require.Equal(t, wire.InvalidMarker, wire.AsError(err).Code)

		first, err := s.page("ListKeys", "", nil, nil)
		require.NoError(t, err)
		marker, err := first.next(after)
		require.NoError(t, err)
		p, err := s.page("ListKeys", "", nil, marker)
		if after == "" {
			require.Equal(t, wire.InvalidMarker, wire.AsError(err).Code)
			return
		}
		require.NoError(t, err)
		require.Equal(t, after, p.after)
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
