package world_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
)

func TestChangeTakesThePlaceOfPartsAndLeavesTheWorldAlone(t *testing.T) {
	w, err := world.LoadFS(changing, nil)
	require.NoError(t, err)
	acme, _ := w.Account("111122223333")
	bob, deploy, payroll := *acme.Users[0], *acme.Roles[0], *acme.Keys[0]
	bob.Tags, deploy.Tags = map[string]string{"team": "a"}, map[string]string{"team": "b"}
	payroll.Aliases = []string{"alias/b", "alias/a"}
	payroll.Grants = []*world.Grant{{Name: "nightly", Grantee: bob.ARN}}
	n := w.With(world.Change{
		Users: []*world.User{&bob}, Roles: []*world.Role{&deploy}, Keys: []*world.Key{&payroll},
		Endpoints: []world.Endpoint{{ID: "vpce-1"}}, Services: []world.Service{{Principal: "s3.amazonaws.com"}},
	})

	changed, _ := n.Account("111122223333")
	assert.Same(t, &bob, changed.Users[0])
	assert.Equal(t, []string{"alias/a", "alias/b"}, changed.Keys[0].Aliases)
	assert.Len(t, changed.Keys[0].Grants[0].ID, 64)
	assert.Empty(t, payroll.Grants[0].ID, "what was given is not changed")
	p, _ := n.Principal(bob.ARN)
	assert.Same(t, &bob, p)
	p, _ = n.PrincipalByID(deploy.ID)
	assert.Same(t, &deploy, p)
	assert.Same(t, &bob, changed.Federated[0].Parent)
	assert.Same(t, &deploy, changed.Identities[0].Role)
	for id, owner := range map[string]func(world.AccessKey) any{
		"AKIABOB":     func(k world.AccessKey) any { return k.User },
		"ASIAVISITOR": func(k world.AccessKey) any { return k.Federated.Parent },
	} {
		k, _ := n.AccessKey(id)
		assert.Same(t, &bob, owner(k), id)
	}
	k, _ := n.AccessKey("ASIAPIPE")
	assert.Same(t, &deploy, k.Identity.Role)
	_, known := n.Endpoint("vpce-1")
	assert.True(t, known)
	_, known = n.Service("s3.amazonaws.com")
	assert.True(t, known)

	assert.Empty(t, acme.Users[0].Tags)
	assert.Empty(t, acme.Keys[0].Grants)
	k, _ = w.AccessKey("AKIABOB")
	assert.Same(t, acme.Users[0], k.User)
	assert.Empty(t, w.Endpoints())
}

func TestChangeAddsWhatIsNewInTheOrderOfNames(t *testing.T) {
	w, err := world.LoadFS(changing, nil)
	require.NoError(t, err)
	acme, _ := w.Account("111122223333")
	k := *acme.Keys[0]
	k.Name, k.ARN = "audit", k.ARN+"0"
	n := w.With(world.Change{Keys: []*world.Key{&k}})
	require.Len(t, n.Keys(), 2)
	assert.Equal(t, "audit", n.Keys()[0].Name)
	assert.Len(t, w.Keys(), 1)
}

var changing = fstest.MapFS{
	"world.yaml": &fstest.MapFile{Data: []byte(`accounts:
  "111122223333":
    users: {bob: {access-keys: {AKIABOB: unused}}}
    roles: {deploy: {trust: trust.json}}
    federated-users: {visitor: {user: bob, access-keys: {ASIAVISITOR: unused}}}
    web-identities: {pipe: {role: deploy, provider: accounts.example.com, access-keys: {ASIAPIPE: unused}}}
    keys: {payroll: {}}
`)},
	"trust.json": &fstest.MapFile{Data: []byte(`{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}]}`)},
}
