package world

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// memory gives out numbered ids and keeps those of the principals it is told
// to keep.
type memory struct {
	ids  map[string]string
	next int
}

func (m *memory) UniqueID(arn string) (string, error) {
	if _, known := m.ids[arn]; !known {
		m.next++
		m.ids[arn] = idPrefix(arn) + "XXXXXXXXXXXXXXXX" + strconv.Itoa(m.next)
	}
	return m.ids[arn], nil
}

func (m *memory) Forget(allBut []string) error {
	left := make(map[string]string)
	for _, arn := range allBut {
		if id, known := m.ids[arn]; known {
			left[arn] = id
		}
	}
	m.ids = left
	return nil
}

// write makes a world of one file in a directory.
func write(t *testing.T, dir, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "world.yaml"), []byte(text), 0o600))
	return dir
}

const (
	withBob    = "accounts:\n  111122223333:\n    users: {bob: {}}\n"
	withoutBob = "accounts:\n  111122223333:\n    users: {carol: {}}\n"
	noWorld    = "accounts:\n  111122223333:\n    users: {bob: {}, carol: {id: x}}\n"
)

func TestPrincipalThatWasAwayIsAnother(t *testing.T) {
	ids, dir := &memory{ids: map[string]string{}}, t.TempDir()
	bob := func() string {
		w, err := Load(dir, ids)
		require.NoError(t, err)
		id, _ := w.UniqueID("arn:aws:iam::111122223333:user/bob")
		return id
	}
	write(t, dir, withBob)
	first := bob()
	require.NotEmpty(t, first)
	assert.Equal(t, first, bob(), "as long as the user stays")
	write(t, dir, noWorld)
	_, err := Load(dir, ids)
	require.Error(t, err)
	write(t, dir, withBob)
	assert.Equal(t, first, bob(), "a world that was refused changes nothing")
	write(t, dir, withoutBob)
	assert.Empty(t, bob())
	write(t, dir, withBob)
	assert.NotEqual(t, first, bob())
}

type brokenIDs struct {
	id  string
	err error
}

func (b brokenIDs) UniqueID(string) (string, error) { return b.id, b.err }

func TestBadUniqueIDsAreRefused(t *testing.T) {
	dir := write(t, t.TempDir(), "accounts:\n  111122223333:\n    users: {bob: {}, carol: {}}\n")
	outage := errors.New("the store is away")
	_, err := Load(dir, brokenIDs{err: outage})
	require.ErrorIs(t, err, outage)
	_, err = Load(dir, brokenIDs{id: "bob"})
	require.ErrorContains(t, err, "wrong form")
	_, err = Load(dir, brokenIDs{id: "AIDASAMESAMESAMESAME"})
	require.ErrorContains(t, err, "have the same unique id")
}

func TestDerivedIDs(t *testing.T) {
	user, err := DigestIDs{}.UniqueID("arn:aws:iam::111122223333:user/bob")
	require.NoError(t, err)
	assert.Equal(t, "AIDAXIFUAG2UWZVPTP6NL", user, "the same in every version: policies are stored with it")
	role, err := DigestIDs{}.UniqueID("arn:aws:iam::111122223333:role/bob")
	require.NoError(t, err)
	assert.Regexp(t, `^AROA[A-Z2-7]{17}$`, role)
}

func TestFreshIDs(t *testing.T) {
	id, err := NewUniqueID("arn:aws:iam::111122223333:role/payroll", bytes.NewReader(make([]byte, 11)))
	require.NoError(t, err)
	assert.Equal(t, "AROAAAAAAAAAAAAAAAAAA", id)
	assert.Empty(t, isRoleID(id))
	_, err = NewUniqueID("arn:aws:iam::111122223333:user/bob", bytes.NewReader(nil))
	require.Error(t, err)
}
