package guide_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/guide"
	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pending lists the kinds of cases that a counterpart lacks, with the reason:
// pending.tsv.
func pending(t *testing.T) map[string]map[string]bool {
	t.Helper()
	text, err := os.ReadFile("pending.tsv")
	require.NoError(t, err)
	all := map[string]map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		fields := strings.Split(line, "\t")
		require.Len(t, fields, 3, line)
		require.NotEmpty(t, fields[2], line)
		if all[fields[0]] == nil {
			all[fields[0]] = map[string]bool{}
		}
		all[fields[0]][fields[1]] = true
	}
	return all
}

// allows tells whether a document has a statement that allows anything: one
// that does not can only be denied by.
func allows(t *testing.T, name string) bool {
	t.Helper()
	kind, text, err := guide.Read(name)
	require.NoError(t, err)
	doc, err := policy.Parse(kind, text)
	require.NoError(t, err)
	return slices.ContainsFunc(doc.Statements, func(s policy.Statement) bool { return s.Effect == policy.Allow })
}

// TestCounterpartsDoWhatTheTextAroundThemPromises decides the cases of each
// chapter. The title of a group begins with the name of the counterpart that
// it is about.
func TestCounterpartsDoWhatTheTextAroundThemPromises(t *testing.T) {
	report, err := policytests.Run(context.Background(), []string{"."}, policytests.Options{})
	require.NoError(t, err)
	for _, r := range report.Failed() {
		assert.Fail(t, r.Name(), "%s", r.Failure)
	}
	had := map[string]map[string]bool{}
	for _, r := range report.Results {
		file, _, titled := strings.Cut(r.Title, ":")
		assert.True(t, titled && slices.Contains(listed(t), file), "%s is about no counterpart", r.Name())
		assert.True(t, strings.HasPrefix(filepath.Base(r.File), file[:2]), "%s stands in another chapter", r.Name())
		if had[file] == nil {
			had[file] = map[string]bool{}
		}
		had[file][r.Kind.String()] = true
	}
	missing := pending(t)
	for _, file := range listed(t) {
		for _, kind := range []string{"allow", "deny"} {
			switch {
			case kind == "allow" && !allows(t, file):
			case missing[file][kind]:
				assert.False(t, had[file][kind], "%s has a case of the kind %s and can leave pending.tsv", file, kind)
			default:
				assert.True(t, had[file][kind], "%s has no case of the kind %s", file, kind)
			}
			delete(missing[file], kind)
		}
		if len(missing[file]) == 0 {
			delete(missing, file)
		}
	}
	assert.Empty(t, missing, "pending.tsv names what is not listed")
}

// TestCompiledCounterpartsAreTheGoldenFiles compares what each counterpart is
// compiled to with rego/; "go test -update" writes it anew.
func TestCompiledCounterpartsAreTheGoldenFiles(t *testing.T) {
	var names []string
	for _, file := range listed(t) {
		kind, text, err := guide.Read(file)
		require.NoError(t, err)
		doc, err := policy.Parse(kind, text)
		require.NoError(t, err)
		module, err := compile.Compile(doc, compile.Options{})
		require.NoError(t, err)
		name := strings.TrimSuffix(file, ".json") + ".rego"
		names = append(names, name)
		path := filepath.Join("rego", name)
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(module.Text()), 0o600))
		}
		golden, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(golden), module.Text(), name)
	}
	entries, err := os.ReadDir("rego")
	require.NoError(t, err)
	var present []string
	for _, e := range entries {
		present = append(present, e.Name())
	}
	slices.Sort(names)
	assert.Equal(t, names, present, "golden files")
}
