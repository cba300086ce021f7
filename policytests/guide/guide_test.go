package guide_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/guide"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// listed gives the files that the index names, once each.
func listed(t *testing.T) []string {
	t.Helper()
	prints, err := guide.Prints()
	require.NoError(t, err)
	var names []string
	for _, p := range prints {
		names = append(names, p.File)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestIndexAndDirectoryAgree(t *testing.T) {
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	var present []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			present = append(present, e.Name())
		}
	}
	assert.Equal(t, present, listed(t))
}

func TestEveryCounterpartParsesAndHasACanonicalForm(t *testing.T) {
	for _, name := range listed(t) {
		t.Run(name, func(t *testing.T) {
			kind, text, err := guide.Read(name)
			require.NoError(t, err)
			doc, err := policy.Parse(kind, text)
			require.NoError(t, err)
			again, err := policy.Parse(kind, doc.Canonical())
			require.NoError(t, err)
			assert.Equal(t, doc.Digest(), again.Digest())
		})
	}
}

// A counterpart that names what no table knows says something else than the
// print.
func TestEveryCounterpartKeepsToTheVocabulary(t *testing.T) {
	for _, name := range listed(t) {
		kind, text, err := guide.Read(name)
		require.NoError(t, err)
		doc, err := policy.Parse(kind, text)
		require.NoError(t, err)
		for _, s := range doc.Statements {
			for _, a := range s.Actions {
				if strings.HasPrefix(a.Text, "kms:") || strings.HasPrefix(a.Text, "sts:") {
					assert.NotEmpty(t, policy.ExpandAction(a.Text), "%s of %s", a.Pos.Path, name)
				}
			}
			for _, c := range s.Conditions {
				k, ok := policy.ConditionKeyNamed(c.Key)
				assert.True(t, ok, "%s of %s", c.Pos.Path, name)
				o, ok := policy.OperatorNamed(c.Operator)
				assert.True(t, ok && k.Fits(o.Type), "%s of %s", c.Pos.Path, name)
			}
		}
	}
}

// Names that the guide uses in its examples.
var guideNames = regexp.MustCompile(`11112222333|444455556666|123456789012|012345678901|1234abcd|0987dcba|(?i)example|alice|bob\b|charlie|` +
	`KMSAdmin|KeyAdmin|KMSTest|LeadAdmin|SupportLead|AppName|Project|Department|us-west-2|us-east-1|finance|12345678`)

func TestCounterpartsHaveNamesOfTheirOwn(t *testing.T) {
	for _, name := range listed(t) {
		_, text, err := guide.Read(name)
		require.NoError(t, err)
		assert.NotRegexp(t, guideNames, strings.ReplaceAll(string(text), "0123456789abcdef", ""), name)
	}
}

func TestIndexNamesItsPlaces(t *testing.T) {
	prints, err := guide.Prints()
	require.NoError(t, err)
	var chapters []string
	titles := map[string]string{}
	seen := map[guide.Print]bool{}
	for _, p := range prints {
		assert.NotEmpty(t, p.Section, p.File)
		assert.NotEmpty(t, p.Mended, p.File)
		assert.False(t, seen[p], "%v stands twice", p)
		seen[p] = true
		if len(chapters) == 0 || chapters[len(chapters)-1] != p.Chapter {
			chapters = append(chapters, p.Chapter)
		}
		if !strings.Contains(p.Mended, "same as in") {
			titles[p.File[:2]] = p.Chapter
		}
	}
	assert.Len(t, titles, len(chapters), "the prints of a chapter stand together, and its files bear its number: %v", chapters)
	assert.Len(t, prints, 151, "the prints of the guide")
}

func TestNamesThatTellNoKindAreRefused(t *testing.T) {
	for _, name := range []string{"INDEX.tsv", "a.json", "13-valid-to.rcp.json", "absent.key.json"} {
		_, _, err := guide.Read(name)
		assert.Error(t, err, name)
	}
}
