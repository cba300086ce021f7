package decision

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHitsAnswerAsEvaluationDoes(t *testing.T) {
	var log bytes.Buffer
	e, err := New(Config{Limit: PatientLimit, Cache: true, VerifyEvery: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	q := ask(keySays(delegates), iamSays(allow("", "kms:Decrypt")))
	first, err := e.Decide(t.Context(), q)
	require.NoError(t, err)
	hits := e.verdicts.hits.Load()
	second, err := e.Decide(t.Context(), q)
	require.NoError(t, err)
	assert.Equal(t, hits+2, e.verdicts.hits.Load())
	assert.JSONEq(t, toJSON(t, first.Evidence()), toJSON(t, second.Evidence()))
	assert.Empty(t, log.String())
}

// A remembered verdict that is wrong is found out, fails the call, and is
// forgotten.
func TestDifferenceAlarms(t *testing.T) {
	var log bytes.Buffer
	e, err := New(Config{Limit: PatientLimit, Cache: true, VerifyEvery: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	q := ask(keySays(allow("user/ben", "kms:Decrypt")))
	_, err = e.Decide(t.Context(), q)
	require.NoError(t, err)
	program, err := e.programs.of(t.Context(), q.KeyPolicy)
	require.NoError(t, err)
	wrong := &verdict{allow: []match{{0, ViaUser}}}
	wrong.code = encodeVerdict(wrong.allow, wrong.deny)
	e.verdicts.keep(program.key(nil, &q), wrong)

	d, err := e.Decide(t.Context(), q)
	assert.ErrorIs(t, err, errRemembered)
	assert.False(t, d.Allowed)
	assert.Contains(t, log.String(), "alarm")
	assert.Equal(t, uint64(1), e.Stats().Differences)

	d, err = e.Decide(t.Context(), q)
	require.NoError(t, err)
	assert.Equal(t, "no-allow resource", verdictOf(d))
}

func TestDifferentOutcomeAlarms(t *testing.T) {
	e, err := New(Config{Limit: PatientLimit, Cache: true, VerifyEvery: 1})
	require.NoError(t, err)
	q := ask()
	full := new(account)
	require.NoError(t, e.account(t.Context(), &q, full))
	e.outcomes.keep(decideKey(nil, &q, full.attachments), &outcome{allowed: true, reason: Allow, layer: LayerResource})
	d, err := e.Decide(t.Context(), q)
	assert.ErrorIs(t, err, errRemembered)
	assert.False(t, d.Allowed)
}

func TestEveryNthHitIsChecked(t *testing.T) {
	m := newMemory[*verdict](Config{CacheBytes: 1 << 20, VerifyEvery: 3, Log: slog.New(slog.DiscardHandler)})
	m.keep([]byte("key"), &verdict{})
	var doubts []bool
	for range 6 {
		_, ok, doubt := m.recall([]byte("key"))
		require.True(t, ok)
		doubts = append(doubts, doubt)
	}
	assert.Equal(t, []bool{false, false, true, false, false, true}, doubts)
}

func TestPoliciesThatReadTheClockAreNotRemembered(t *testing.T) {
	e, err := New(Config{Limit: PatientLimit, Cache: true})
	require.NoError(t, err)
	q := ask(keySays(allowIf("user/ann", "kms:Decrypt", `{"DateLessThan": {"aws:CurrentTime": "2026-11-23T12:00:00Z"}}`)))
	entries, _ := e.verdicts.cache.size()
	for _, c := range []struct{ now, want string }{
		{"2026-11-23T11:59:59Z", "allow resource"},
		{"2026-11-23T12:00:00Z", "no-allow resource"},
	} {
		q.Context["aws:currenttime"] = []string{c.now}
		d, err := e.Decide(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, c.want, verdictOf(d), c.now)
	}
	after, _ := e.verdicts.cache.size()
	assert.Equal(t, entries, after)
}

// Requests that agree on what the policies read share a verdict; any other
// difference makes another question of it.
func TestCachedDecisionFollowsEachFact(t *testing.T) {
	e, err := New(Config{Limit: PatientLimit, Cache: true})
	require.NoError(t, err)
	condition := `{"StringEquals": {"aws:PrincipalTag/dept": ["it", "hr"], "kms:EncryptionContext:a": "${kms:EncryptionContext:a}"}, "Null": {"kms:ViaService": "false"}}`
	changes := []change{
		func(*Question) {},
		action("kms:Encrypt"),
		by(payroll),
		by(root),
		by(xena),
		func(q *Question) { q.Context["aws:principaltag/dept"] = []string{"legal"} },
		func(q *Question) { q.Context["aws:principaltag/dept"] = []string{"it", "legal"} },
		func(q *Question) { q.Context["kms:encryptioncontext:a"] = []string{"x", "x"} },
		func(q *Question) { delete(q.Context, "kms:viaservice") },
		func(q *Question) { delete(q.Context, "aws:principaltag/dept") },
		func(q *Question) { q.Resource.Account = abroad },
		neverAcross,
		absent,
		keySays(delegates),
		keySays(deny("*", "kms:*")),
		iamSays(allow("", "kms:*")),
		iamSays(deny("", "kms:*")),
		boundarySays(allow("", "s3:*")),
		sessionSays(allow("", "s3:*")),
		func(q *Question) { q.Session = []Policy{} },
		scpSays(allow("", "s3:*")),
		func(q *Question) { q.SCP = [][]Policy{} },
		func(q *Question) { q.SCP, q.Principal.Management = [][]Policy{}, true },
		rcpSays(deny("*", "kms:*")),
		func(q *Question) { rcpSays(deny("*", "kms:*"))(q); q.Resource.Management = true },
		func(q *Question) { rcpSays(deny("*", "kms:*"))(q); q.Resource.AWSManaged = true },
		endpointSays(allow("*", "s3:*")),
		granted(to(ViaUser, "AIDAANN")),
		granted(to(ViaUser, "AIDABEN")),
		granted(Grant{Grantee: Party{ViaUser, "AIDAANN"}, Equals: map[string]string{}}),
		granted(Grant{Grantee: Party{ViaUser, "AIDAANN"}, Equals: map[string]string{"a": "b"}}),
		func(q *Question) {
			granted(Grant{Grantee: Party{ViaUser, "AIDAANN"}, Equals: map[string]string{"a": "b"}})(q)
			q.EncryptionContext = map[string]string{"a": "b"}
		},
	}
	for round := range 2 {
		for i, one := range changes {
			for j, other := range changes {
				q := ask(keySays(allowIf("*", "kms:Decrypt", condition), allow(home, "kms:Encrypt")),
					func(q *Question) {
						q.Context["aws:principaltag/dept"] = []string{"it"}
						q.Context["kms:encryptioncontext:a"] = []string{"x"}
					}, one, other)
				d, err := e.Decide(t.Context(), q)
				require.NoError(t, err)
				assert.Equal(t, verdictOf(decided(t, q)), verdictOf(d), "round %d, changes %d and %d", round, i, j)
			}
		}
	}
	assert.Greater(t, e.Stats().OutcomeHits, uint64(500))
}

func TestKeysAreUnambiguous(t *testing.T) {
	seen := map[string]string{}
	for says, key := range map[string][]byte{
		"absent":           appendSet(nil, nil),
		"empty":            appendSet(nil, []string{}),
		"empty string":     appendSet(nil, []string{""}),
		"two empty":        appendPairs(nil, map[string]string{"": ""}),
		"no pairs":         appendPairs(nil, map[string]string{}),
		"one":              appendSet(nil, []string{"ab"}),
		"two":              appendSet(nil, []string{"a", "b"}),
		"joined":           appendSet(nil, []string{"a\x01\x01b"}),
		"string":           appendString(nil, "ab"),
		"two strings":      appendString(appendString(nil, "a"), "b"),
		"long":             appendString(nil, strings.Repeat("a", 300)),
		"no string":        appendOptional(nil, ""),
		"an empty string":  appendString(nil, ""),
		"true":             appendBoolean(nil, true),
		"false":            appendBoolean(nil, false),
		"pair":             appendPairs(nil, map[string]string{"a": "b"}),
		"the other pair":   appendPairs(nil, map[string]string{"b": "a"}),
		"pair in one name": appendPairs(nil, map[string]string{"a\x01\x01b": ""}),
	} {
		if other, ok := seen[string(key)]; ok && says != "absent" && says != "no string" {
			t.Errorf("%s and %s have one key", says, other)
		}
		seen[string(key)] = says
	}
	assert.Equal(t, appendSet(nil, []string{"b", "a", "b"}), appendSet(nil, []string{"a", "b"}), "lists are sets")
	assert.Equal(t, appendBag(nil, []string{"b", "a"}), appendBag(nil, []string{"a", "b"}), "their order says nothing")
	assert.NotEqual(t, appendBag(nil, []string{"a", "a"}), appendBag(nil, []string{"a"}), "how often one is there does")
}
