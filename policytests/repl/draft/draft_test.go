package draft_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
)

// worlds are those that the repository has: of tests and of examples.
func worlds(t *testing.T) map[string]draft.Draft {
	t.Helper()
	paths, err := filepath.Glob("../../worlds/*.txtar")
	require.NoError(t, err)
	paths = append(paths, "../../../examples/dev")
	all := map[string]draft.Draft{}
	for _, p := range paths {
		d, err := draft.Read(p)
		require.NoError(t, err, p)
		all[p] = d
	}
	require.Greater(t, len(all), 5)
	return all
}

// load reads the world of a draft.
func load(t *testing.T, d draft.Draft) *world.World {
	t.Helper()
	w, err := d.World()
	require.NoError(t, err)
	return w
}

const small = `-- world.yaml --
accounts:
  "111122223333":
    name: acme
    users:
      bob: {policies: {use: use.json}, boundary: Most}
      ann: {policies: {use: use.json}}
    roles:
      r: {trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: 111122223333}, Action: "sts:AssumeRole"}]}}
    managed-policies:
      Most: {path: /team/, policy: use.json}
    federated-users:
      guest: {access-keys: {ASIAGUEST: its-secret}}
    keys:
      # the one that matters
      k: {aliases: [alias/k], grants: {old: {grantee: user/bob, operations: [Decrypt]}}}
      own: {policy: own.key.json}
organization:
  id: o-exampleorg
  management-account: "111122223333"
  root:
    id: r-ab12
    rcps: {perimeter: rcp.json}
    units:
      Engineering: {id: ou-ab12-engineer, accounts: {"111122223333": {scps: {most: scp.json}}}}
endpoints:
  vpce-0123456789abcdef0: {account: "111122223333", region: us-east-1, vpc: vpc-0123456789abcdef0, policy: vpce.json}
-- use.json --
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}
-- scp.json --
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}
-- rcp.json --
{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"}]}
-- vpce.json --
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}
-- own.key.json --
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}]}
`

// account is that of the small world.
const account = "111122223333"

func smallWorld(t *testing.T) draft.Draft {
	t.Helper()
	name := filepath.Join(t.TempDir(), "small.txtar")
	require.NoError(t, os.WriteFile(name, []byte(small), 0o600))
	d, err := draft.Read(name)
	require.NoError(t, err)
	return d
}

func apply(t *testing.T, d draft.Draft, changes ...draft.Change) draft.Draft {
	t.Helper()
	for _, c := range changes {
		var err error
		d, err = c.Apply(d)
		require.NoError(t, err, c.String())
	}
	return d
}

func TestDraftIsTheWorldThatItWasReadFrom(t *testing.T) {
	for p, d := range worlds(t) {
		w, err := world.Load(p, nil)
		require.NoError(t, err)
		assert.Equal(t, w.Digest(), load(t, d).Digest(), p)
	}
}

func TestEveryLayerOfEveryWorldCanBeOff(t *testing.T) {
	for p, d := range worlds(t) {
		for _, layer := range draft.Layers() {
			_, err := apply(t, d, draft.Off{Layer: layer}).World()
			assert.NoError(t, err, "%s without %s", p, layer)
		}
	}
}

func TestLayerThatIsOffIsAttachedNowhere(t *testing.T) {
	off := func(layer string) *world.World { return load(t, apply(t, smallWorld(t), draft.Off{Layer: layer})) }
	account := func(w *world.World) *world.Account { a, _ := w.Account(account); return a }
	assert.Equal(t, "FullAWSAccess", off("scp").Organization().Levels("111122223333")[2].SCP[0].Name)
	assert.Empty(t, off("rcp").Organization().Levels("111122223333")[0].RCP)
	assert.Nil(t, off("endpoint").Endpoints()[0].Policy)
	assert.Nil(t, account(off("boundary")).Users[1].Boundary)
	assert.Empty(t, account(off("identity")).Users[1].Inline)
	assert.Empty(t, account(off("grant")).Keys[0].Grants)
	assert.Equal(t, "off", account(off("session")).Federated[0].Session[0].Name)
}

func TestGrantIsAddedToEveryKeyOfEveryWorld(t *testing.T) {
	for p, d := range worlds(t) {
		for _, k := range load(t, d).Keys() {
			g := draft.Grant{Key: draft.Key{Account: k.Account, Name: k.Name}, Name: "fresh", Grantee: "root",
				Operations: []string{"DescribeKey"}}
			changed := load(t, apply(t, d, g))
			for _, now := range changed.Keys() {
				if now.ARN == k.ARN && now.Name == k.Name {
					assert.Len(t, now.Grants, len(k.Grants)+1, "%s %s", p, k.Name)
				}
			}
			assert.Len(t, changed.Keys(), len(load(t, d).Keys()))
		}
	}
}

func TestGrantsHaveConstraintsAndCanBeRevoked(t *testing.T) {
	key := draft.Key{Account: account, Name: "k"}
	d := apply(t, smallWorld(t), draft.Grant{Key: key, Name: "new", Grantee: "user/ann", Retiree: "user/bob",
		Operations: []string{"Decrypt"}, Subset: map[string]string{"007": "yes"}})
	g := load(t, d).Keys()[0].Grants[0]
	assert.Equal(t, map[string]string{"007": "yes"}, g.Subset)
	assert.Equal(t, "arn:aws:iam::111122223333:user/bob", g.Retiree)
	assert.Contains(t, text(t, d, "world.yaml"), "# the one that matters", "comments stay")

	d = apply(t, d, draft.Revoke{Key: key, Name: "new"}, draft.Revoke{Key: key, Name: "old"})
	assert.Empty(t, load(t, d).Keys()[0].Grants)
	_, err := draft.Revoke{Key: key, Name: "new"}.Apply(d)
	require.EqualError(t, err, "key/k@111122223333 has no grant new")
	_, err = draft.Grant{Key: draft.Key{Account: account, Name: "x"}}.Apply(d)
	require.EqualError(t, err, "the world has no key/x@111122223333")
}

func text(t *testing.T, d draft.Draft, name string) string {
	t.Helper()
	text, found := d.File(name)
	require.True(t, found, "%s among %v", name, d.Names())
	return text
}

const nothing = `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}]}`

func TestPolicyReplacesItsFileOnlyWhereTheFileIsItsOwn(t *testing.T) {
	d := smallWorld(t)
	keyPolicy := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:Encrypt", "Resource": "*"}]}`
	d = apply(t, d, draft.Policy{Slot: draft.Slot{Place: draft.OfKey, Account: account, Name: "own"}, Text: keyPolicy})
	assert.Equal(t, keyPolicy, text(t, d, "own.key.json"))

	d = apply(t, d, draft.Policy{Slot: draft.Slot{Place: draft.OfUser, Account: account, Name: "bob", Policy: "use"}, Text: nothing})
	assert.Equal(t, nothing, text(t, d, "bob-use.iam.json"))
	assert.NotEqual(t, nothing, text(t, d, "use.json"), "ann has it too")
	a, _ := load(t, d).Account(account)
	assert.Equal(t, nothing, a.Users[1].Inline[0].Document.Text)
}

func TestPoliciesOfAllPlacesCanBeReplaced(t *testing.T) {
	everybody := `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "kms:Sign", "Resource": "*"}]}`
	trust := `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}]}`
	for _, c := range []struct {
		slot draft.Slot
		text string
	}{
		{draft.Slot{Place: draft.OfKey, Account: account, Name: "k"}, everybody},
		{draft.Slot{Place: draft.OfTrust, Account: account, Name: "r"}, trust},
		{draft.Slot{Place: draft.OfRole, Account: account, Name: "r", Policy: "new"}, nothing},
		{draft.Slot{Place: draft.OfManaged, Account: account, Name: "Most"}, nothing},
		{draft.Slot{Place: draft.OfManaged, Account: account, Name: "Fresh"}, nothing},
		{draft.Slot{Place: draft.OfFederated, Account: account, Name: "guest", Policy: "narrow"}, nothing},
		{draft.Slot{Place: draft.OfEndpoint, Name: "vpce-0123456789abcdef0"}, everybody},
		{draft.Slot{Place: draft.OfSCP, Name: "most"}, nothing},
		{draft.Slot{Place: draft.OfSCP, Name: "fresh", On: "r-ab12"}, nothing},
		{draft.Slot{Place: draft.OfSCP, Name: "fresh", On: account}, nothing},
		{draft.Slot{Place: draft.OfRCP, Name: "perimeter"}, everybody},
		{draft.Slot{Place: draft.OfRCP, Name: "fresh", On: "ou-ab12-engineer"}, everybody},
	} {
		d := apply(t, smallWorld(t), draft.Policy{Slot: c.slot, Text: c.text})
		_, err := d.World()
		require.NoError(t, err, c.slot.String())
		found := false
		for _, name := range d.Names() {
			content, _ := d.File(name)
			found = found || content == c.text
		}
		assert.True(t, found, c.slot.String())
	}
}

func TestFirstSCPOfALevelStandsBesideFullAccess(t *testing.T) {
	slot := draft.Slot{Place: draft.OfSCP, Name: "fresh", On: "r-ab12"}
	level := load(t, apply(t, smallWorld(t), draft.Policy{Slot: slot, Text: nothing})).Organization().Levels(account)[0]
	require.Len(t, level.SCP, 2)
	assert.Equal(t, "FullAWSAccess", level.SCP[0].Name)
}

func TestPolicyCanBeDetached(t *testing.T) {
	slot := draft.Slot{Place: draft.OfUser, Account: account, Name: "bob", Policy: "use"}
	d := apply(t, smallWorld(t), draft.Detach{Slot: slot})
	a, _ := load(t, d).Account(account)
	assert.Empty(t, a.Users[1].Inline)
	_, err := draft.Detach{Slot: slot}.Apply(d)
	require.EqualError(t, err, "there is no policy user/bob@111122223333 use")
}

func TestWorldsInJSONCanBeChangedToo(t *testing.T) {
	d := draft.Of(map[string][]byte{"world.json": []byte(`{"accounts": {"111122223333": {"regions": ["us-east-1"],
		"roles": {"r": {"max-session-duration": 3600, "trust": {"Version": "2012-10-17", "Statement":
			[{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]}}},
		"keys": {"k": {"multi-region": false, "description": "\u00e9\/"}}}}}`)})
	d = apply(t, d, draft.Grant{Key: draft.Key{Account: account, Name: "k"}, Name: "g", Grantee: "root", Operations: []string{"Decrypt"}})
	k := load(t, d).Keys()[0]
	assert.Equal(t, "g", k.Grants[0].Name)
	assert.Equal(t, "é/", k.Description)
}

func TestDraftIsWrittenAsDirectoryAndAsArchiveAndNeverOverADifferentOne(t *testing.T) {
	d := smallWorld(t)
	for _, name := range []string{"out", "out.txtar"} {
		to := filepath.Join(t.TempDir(), name)
		require.NoError(t, d.Write(to))
		again, err := draft.Read(to)
		require.NoError(t, err)
		assert.Equal(t, load(t, d).Digest(), load(t, again).Digest())
		require.ErrorIs(t, d.Write(to), os.ErrExist)
	}
}

func TestWhatIsNoWorldIsRefused(t *testing.T) {
	_, err := draft.Read(filepath.Join(t.TempDir(), "absent"))
	require.ErrorIs(t, err, os.ErrNotExist)
	name := filepath.Join(t.TempDir(), "x.txt")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	_, err = draft.Read(name)
	require.ErrorContains(t, err, "neither a directory nor a .txtar file")
	name = filepath.Join(t.TempDir(), "x.txtar")
	require.NoError(t, os.WriteFile(name, []byte("-- ../out --\n"), 0o600))
	_, err = draft.Read(name)
	require.ErrorContains(t, err, "leads out of the world")
}

// FuzzChange: whatever a world holds, changes end, and make a world or an
// error.
func FuzzChange(f *testing.F) {
	f.Add([]byte(strings.SplitN(strings.SplitN(small, "-- use.json", 2)[0], "\n", 2)[1]))
	f.Add([]byte("accounts: {\"111122223333\": {keys: {k: {grants: &a [*a]}}}}"))
	f.Add([]byte("organization: {root: {units: {a: {units: {}}}}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d := draft.Of(map[string][]byte{"world.yaml": text})
		for _, layer := range draft.Layers() {
			_, _ = draft.Off{Layer: layer}.Apply(d) // what is no YAML is an error
		}
		for _, c := range []draft.Change{
			draft.Grant{Key: draft.Key{Account: account, Name: "k"}, Name: "g", Grantee: "root", Operations: []string{"Decrypt"}},
			draft.Policy{Slot: draft.Slot{Place: draft.OfSCP, Name: "most"}, Text: nothing},
			draft.Detach{Slot: draft.Slot{Place: draft.OfUser, Account: account, Name: "bob", Policy: "use"}},
		} {
			if changed, err := c.Apply(d); err == nil {
				_, _ = changed.World() // it may have been no world before
			}
		}
	})
}
