package decision

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// The request brings both the pattern and what is matched with it.
func longHeaders(length int) Question {
	var values []string
	for _, end := range []string{"0", "1", "2", "3", "4", "5"} {
		values = append(values, `"*${aws:UserAgent}?`+end+`*"`)
	}
	q := ask(keySays(statement("Allow", "user/ann", "kms:*", `{"Null": {"aws:UserAgent": "false"}}`),
		statement("Deny", "user/ann", "kms:*", `{"StringLike": {"aws:Referer": [`+strings.Join(values, ",")+`]}}`)))
	q.Context["aws:useragent"] = []string{strings.Repeat("a", length)}
	q.Context["aws:referer"] = []string{strings.Repeat("a", length+200)}
	return q
}

func TestPatternsThatTakeTooManyStepsAreNoAnswer(t *testing.T) {
	e, err := New(Config{Cache: true})
	require.NoError(t, err)
	ctx := &ending{Context: t.Context(), limit: time.Minute} // it is the steps that are bounded here
	_, err = e.Decide(ctx, longHeaders(29_000))
	require.ErrorIs(t, err, ErrTooLong)
	d, err := e.Decide(ctx, longHeaders(1_600))
	require.NoError(t, err, "within the bound")
	assert.Equal(t, "allow resource", verdictOf(d))
}

func TestADecisionEndsWithItsCallerAndItsTime(t *testing.T) {
	e, err := New(Config{})
	require.NoError(t, err)
	q := longHeaders(100)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = e.Decide(gone, q)
	require.ErrorIs(t, err, context.Canceled)

	late := &ending{Context: t.Context(), until: time.Now().Add(-time.Second)}
	require.ErrorIs(t, e.account(late, &q, new(account)), errSlow)
}

// A query that is under way ends, too.
func TestAStopEndsWhatIsUnderWay(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newStop(ctx)
	assert.False(t, s.Cancelled())
	cancel()
	asked := 0
	for !s.Cancelled() {
		asked++
	}
	assert.Less(t, asked, askEvery)
	assert.True(t, s.Cancelled(), "and stays so")
}

// Across accounts the error would tell that there is a key.
func TestTooManyStepsOnTheKeysSideLookLikeNoKey(t *testing.T) {
	e, err := New(Config{})
	require.NoError(t, err)
	q := longHeaders(29_000)
	q.Principal = xena
	q.Identity = []Policy{document(policy.Identity, "iam", allow("", "kms:*"))}
	q.Identity[0].Owner = abroad
	d, err := e.Decide(t.Context(), q)
	require.NoError(t, err)
	absent := q
	absent.KeyPolicy = nil
	none, err := e.Decide(t.Context(), absent)
	require.NoError(t, err)
	assert.False(t, d.Allowed)
	assert.Equal(t, none.Sentence(), d.Sentence())
	assert.Equal(t, none.CallerView(), d.CallerView())
}
