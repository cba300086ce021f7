package policytests_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests"
)

// A requirement is a row of ids.tsv.
type requirement struct {
	id    string
	kinds []string // of cases; none: what it says cannot be told in case lines
	tests []string // package and name of tests that show what case lines cannot
	note  string
}

func requirements(t *testing.T) []requirement {
	t.Helper()
	file, err := os.Open("ids.tsv")
	require.NoError(t, err)
	defer func() { _ = file.Close() }() // only read
	var all []requirement
	lines := bufio.NewScanner(file)
	require.True(t, lines.Scan(), "the heading")
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		require.Len(t, fields, 4, lines.Text())
		r := requirement{id: fields[0], note: fields[3]}
		if fields[1] != "none" {
			r.kinds = strings.Split(fields[1], ",")
		}
		if fields[2] != "-" {
			r.tests = strings.Split(fields[2], ", ")
		}
		all = append(all, r)
	}
	require.NoError(t, lines.Err())
	return all
}

// failures tells each case that did not come out as expected.
func failures(t *testing.T, report policytests.Report) {
	t.Helper()
	for _, r := range report.Failed() {
		assert.Fail(t, r.Name(), "%s", r.Failure)
	}
}

func TestWorldsComeOutAsRequired(t *testing.T) {
	report, err := policytests.Run(context.Background(), []string{"worlds"}, policytests.Options{})
	require.NoError(t, err)
	failures(t, report)
	cases := map[string][]string{}
	for _, r := range report.Results {
		assert.True(t, len(r.Tags) > 0 || strings.HasPrefix(r.Title, "Guide"), "%s stands under no requirement", r.Name())
		for _, id := range r.Tags {
			cases[id] = append(cases[id], r.Kind.String())
		}
	}
	t.Run("every requirement has the kinds of cases that ids.tsv gives it", func(t *testing.T) {
		for _, r := range requirements(t) {
			for _, kind := range r.kinds {
				assert.Contains(t, cases[r.id], kind, "%s has no case of the kind %s", r.id, kind)
			}
			assert.True(t, len(r.kinds) > 0 || len(r.tests) > 0, "%s has neither cases nor tests", r.id)
			delete(cases, r.id)
		}
		assert.Empty(t, cases, "requirements that ids.tsv does not list")
	})
}

// TestTestsThatTakeTheirPlaceExist follows the names in ids.tsv.
func TestTestsThatTakeTheirPlaceExist(t *testing.T) {
	for _, r := range requirements(t) {
		for _, name := range r.tests {
			dir, test, ok := strings.Cut(name, " ")
			require.True(t, ok, "%s: %q is no package and test", r.id, name)
			assert.True(t, hasTest(t, filepath.Join("..", filepath.FromSlash(dir)), test), "%s: %s has no %s", r.id, dir, test)
		}
	}
}

func hasTest(t *testing.T, dir, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	declared := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(test) + `\(`)
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return declared.Match(text)
	})
}
