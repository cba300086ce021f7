package instance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/instance"
)

// worldOf is a world whose account has these users.
func worldOf(users ...string) string {
	var b strings.Builder
	b.WriteString(smallWorld + "    users:\n")
	for _, u := range users {
		fmt.Fprintf(&b, "      %s: {}\n", u)
	}
	return b.String()
}

// open opens a data directory with a world.
func open(t *testing.T, dir, world string) *instance.Instance {
	t.Helper()
	path := filepath.Join(dir, "world.txtar")
	require.NoError(t, os.WriteFile(path, []byte(world), 0o600))
	i, err := instance.Open(instance.Config{Dir: filepath.Join(dir, "data"), World: path, Create: true})
	require.NoError(t, err)
	return i
}

// idOf is the unique id of a user.
func idOf(t *testing.T, i *instance.Instance, user string) string {
	t.Helper()
	p, known := i.World().Principal("arn:aws:iam::111122223333:user/" + user)
	require.True(t, known)
	return p.PrincipalID()
}

func TestPrincipalThatComesBackIsAnother(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, worldOf("ann", "ben"))
	ann, ben := idOf(t, first, "ann"), idOf(t, first, "ben")
	require.NoError(t, first.Close())

	second := open(t, dir, worldOf("ann"))
	assert.Equal(t, ann, idOf(t, second, "ann"), "who stays keeps the id")
	require.NoError(t, second.Close())

	third := open(t, dir, worldOf("ann", "ben"))
	assert.NotEqual(t, ben, idOf(t, third, "ben"), "who was away has another")
	require.NoError(t, third.Close())
}

func TestWorldOfManyPrincipalsIsOpenedAndForgotten(t *testing.T) {
	dir := t.TempDir()
	users := make([]string, 3000)
	for n := range users {
		users[n] = fmt.Sprintf("user-%d", n)
	}
	many := open(t, dir, worldOf(users...))
	assert.NotEmpty(t, idOf(t, many, "user-2999"))
	require.NoError(t, many.Close())
	require.NoError(t, open(t, dir, worldOf("user-1")).Close())
}
