package decision

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func indexes(statements []Statement) (list []int) {
	for _, s := range statements {
		list = append(list, s.Index)
	}
	return list
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

func TestEvidenceOfManyDeniesIsShort(t *testing.T) {
	d := decided(t, ask(keySays(slices.Repeat([]string{deny("*", "kms:Decrypt")}, 380)...)))
	for reader, e := range map[string]Evidence{"operator": d.Evidence(), "caller": d.CallerView()} {
		assert.Equal(t, upTo(20), indexes(e.SettledBy), reader)
		assert.Equal(t, 360, e.MoreSettledBy, reader)
		key := e.Layers[resourceLayer]
		assert.Equal(t, SaidDeny, key.Said, reader)
		assert.Equal(t, upTo(20), indexes(key.Statements), reader)
		assert.Equal(t, 360, key.More, reader)
		assert.Less(t, len(toJSON(t, e)), 16<<10, reader)
	}
}

func TestTwentyStatementsAreAllTold(t *testing.T) {
	e := decided(t, ask(keySays(slices.Repeat([]string{deny("*", "kms:Decrypt")}, maxStatements)...))).Evidence()
	assert.Len(t, e.SettledBy, 20)
	assert.Zero(t, e.MoreSettledBy)
	assert.Zero(t, e.Layers[resourceLayer].More)
	assert.NotContains(t, toJSON(t, e), `"more`)
}

func TestTheSettlingStatementIsAmongThoseThatAreTold(t *testing.T) {
	many := slices.Repeat([]string{allow("", "*")}, 25)
	e := decided(t, ask(scpSays(many...), scpSays(allow("", "*"), deny("", "kms:*")), keySays(allow("*", "kms:*")))).Evidence()
	root, account := e.Layers[0], e.Layers[1]
	assert.Equal(t, upTo(19), indexes(root.Statements))
	assert.Equal(t, 6, root.More)
	assert.Equal(t, e.SettledBy, account.Statements)
	assert.Equal(t, []int{1}, indexes(account.Statements))
	assert.Equal(t, 1, account.More)
	assert.Equal(t, []string{SaidAllow, SaidDeny}, []string{root.Said, account.Said})
}

func TestWhatSettledIsToldOfTheLayerThatSettled(t *testing.T) {
	e := decided(t, ask(keySays(slices.Repeat([]string{delegates}, 25)...), iamSays(allow("", "kms:*")))).Evidence()
	require.Len(t, e.SettledBy, 20)
	assert.Equal(t, 6, e.MoreSettledBy)
	assert.Equal(t, LayerResource, e.SettledBy[0].Layer)
	assert.Equal(t, LayerIdentity, e.SettledBy[19].Layer)
}

func TestWhatIsHiddenIsNotCounted(t *testing.T) {
	many := slices.Repeat([]string{deny("*", "kms:*")}, 25)
	q := ask(keySays(allow("*", "kms:*")), endpointSays(many...))
	q.Endpoint.Owner = abroad
	d := decided(t, q)
	assert.Equal(t, 5, d.Evidence().MoreSettledBy)
	assert.NotContains(t, toJSON(t, d.CallerView()), `"more`)
	d = decided(t, ask(by(xena), keySays(many...), iamSays(allow("", "kms:*"))))
	assert.Equal(t, 5, d.Evidence().MoreSettledBy)
	assert.NotContains(t, toJSON(t, d.CallerView()), `"more`)
}

func TestTwentyGrantsAreNamed(t *testing.T) {
	var grants []change
	for i := range 25 {
		grants = append(grants, granted(Grant{ID: fmt.Sprintf("g%02d", i), Grantee: Party{ViaUser, "AIDAANN"}}))
	}
	d := decided(t, ask(grants...))
	assert.Len(t, d.Grants, 25)
	e := d.Evidence()
	assert.Equal(t, d.Grants[:20], e.Grants)
	assert.Equal(t, 5, e.MoreGrants)

	foreign := by(xena)
	for i := range grants {
		grants[i] = granted(Grant{ID: fmt.Sprintf("g%02d", i), Grantee: Party{ViaUser, "AIDAXENA"}})
	}
	d = decided(t, ask(append(grants, foreign)...))
	assert.Equal(t, 5, d.Evidence().MoreGrants)
	assert.Zero(t, d.CallerView().MoreGrants)
}

func TestLongTextsOfPoliciesAndRequestsAreCut(t *testing.T) {
	long := strings.Repeat("ä", 4000)
	sid := `{"Sid": "` + long + `", "Effect": "Deny", "Action": "*", "Resource": "*", "Principal": "*"}`
	e := decided(t, ask(keySays(sid))).Evidence()
	assert.Equal(t, long[:256]+"…", e.SettledBy[0].Sid)

	values := `["` + long + `"` + strings.Repeat(`, "x"`, 24) + `]`
	name := "kms:EncryptionContext:" + long[:600]
	near := decided(t, ask(keySays(allowIf("user/ann", "kms:*", `{"StringEquals": {"`+name+`": `+values+`}}`)), func(q *Question) {
		q.Context[strings.ToLower(name)] = slices.Repeat([]string{"y" + long}, 21)
	})).Evidence().Nearest
	require.NotNil(t, near)
	assert.Equal(t, name[:256]+"…", near.Key)
	assert.Less(t, len(near.Path), 300)
	assert.Len(t, near.Wanted, 20)
	assert.Equal(t, 5, near.MoreWanted)
	assert.Equal(t, long[:256]+"…", near.Wanted[0])
	assert.Len(t, near.Actual, 20)
	assert.Equal(t, 1, near.MoreActual)
	assert.Equal(t, "y"+long[:254]+"…", near.Actual[0], "cut between characters")
}
