package follow_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/follow"
)

func TestWhatChangesWhileItIsLoadedIsSeenAnew(t *testing.T) {
	version, meanwhile := "one", ""
	var refused []error
	f, err := follow.New(follow.Config[string]{
		Read: func() (string, func() (string, error)) {
			seen := version
			return seen, func() (string, error) {
				if meanwhile != "" {
					version, meanwhile = meanwhile, ""
				}
				if seen == "wrong" {
					return "", errors.New("wrong")
				}
				return seen, nil
			}
		},
		Every:   time.Hour,
		Refused: func(err error) { refused = append(refused, err) },
	})
	require.NoError(t, err)

	version = "two"
	f.Look()
	assert.Equal(t, "one", f.Value(), "the files may not be complete yet")
	meanwhile = "three"
	f.Look()
	assert.Equal(t, "one", f.Value(), "what was loaded is of neither version for sure")
	f.Look()
	f.Look()
	assert.Equal(t, "three", f.Value())

	version = "wrong"
	f.Look()
	meanwhile = "four"
	f.Look()
	assert.Empty(t, refused, "it was changed before it could be told wrong")
	f.Look()
	f.Look()
	assert.Equal(t, "four", f.Value())
}

func TestWithoutAFirstValueNothingIsFollowed(t *testing.T) {
	_, err := follow.New(follow.Config[int]{
		Read: func() (string, func() (int, error)) {
			return "x", func() (int, error) { return 0, errors.New("nothing there") }
		},
	})
	require.EqualError(t, err, "nothing there")
}
