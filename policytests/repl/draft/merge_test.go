package draft_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/repl/draft"
)

const told = `
version: 1
regions: [eu-west-1]
accounts:
  "111122223333":
    name: elsewhere
    users: {bob: {}, carol: {}}
    keys:
      k: {region: eu-west-1, policy: policies/k.key.json}
  "444455556666": {roles: {visitor: {trust: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "sts:AssumeRole"}]}}}}
services:
  s3.amazonaws.com: {access-keys: {}}
`

const keyPolicy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}]}`

func TestKeysThatAServerToldOfTakeThePlaceOfTheWorlds(t *testing.T) {
	server := draft.Of(map[string][]byte{"world.yaml": []byte(told), "policies/k.key.json": []byte(keyPolicy)})
	merged, err := smallWorld(t).Merge(server)
	require.NoError(t, err)
	w := load(t, merged)
	require.Len(t, w.Keys(), 1)
	assert.Equal(t, "server/policies/k.key.json", w.Keys()[0].Policy.File)
	assert.Equal(t, []string{"us-east-1", "eu-west-1"}, w.Regions())
	a, _ := w.Account(account)
	assert.Equal(t, "acme", a.Name)
	require.Len(t, a.Users, 3)
	assert.Len(t, a.Users[1].Inline, 1, "bob is the world's")
	assert.Len(t, w.Services(), 1)

	again, err := merged.Merge(server)
	require.NoError(t, err)
	assert.Len(t, load(t, again).Keys(), 1)
}
