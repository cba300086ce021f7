package policytests_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// TestNothingIsProvedThatACaseRefutes holds proofs against the cases of all
// worlds: of whoever a case allows something it must not be proved that nobody
// else may.
func TestNothingIsProvedThatACaseRefutes(t *testing.T) {
	worlds, err := filepath.Glob(filepath.Join("worlds", "*.txtar"))
	require.NoError(t, err)
	told := 0
	for _, world := range append(worlds, "guide") {
		t.Run(filepath.Base(world), func(t *testing.T) {
			lines := allowedOnKeys(t, world)
			told += len(lines)
			report, err := policytests.Run(context.Background(), []string{with(t, world, lines)}, policytests.Options{Engine: engine, Select: regexp.MustCompile(": Proofs: ")})
			var unknown policytests.Problems
			if err != nil {
				require.ErrorAs(t, err, &unknown)
			}
			for _, p := range unknown {
				assert.Contains(t, p.Message, "cannot be said", "an error of the search is none of the line")
			}
			for _, r := range report.Results {
				assert.NotNil(t, r.Failure, "%s: a case shows otherwise", r.Text)
			}
			assert.Len(t, lines, len(report.Results)+len(unknown))
		})
	}
	assert.Greater(t, told, 100)
}

// with is a copy of a world with lines.
func with(t *testing.T, world string, lines []string) string {
	t.Helper()
	cases := "# Proofs\n" + strings.Join(lines, "\n") + "\n"
	dir := t.TempDir()
	if filepath.Ext(world) != ".txtar" {
		require.NoError(t, os.CopyFS(dir, os.DirFS(world)))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "zz-proof.cases"), []byte(cases), 0o600))
		return dir
	}
	text, err := os.ReadFile(world)
	require.NoError(t, err)
	file := filepath.Join(dir, "world.txtar")
	require.NoError(t, os.WriteFile(file, []byte(string(text)+"\n-- zz-proof.cases --\n"+cases), 0o600))
	return file
}

// allowedOnKeys are lines that leave out whom cases of a world allow something.
func allowedOnKeys(t *testing.T, path string) []string {
	t.Helper()
	report, err := policytests.Run(context.Background(), []string{path}, policytests.Options{Engine: engine})
	require.NoError(t, err)
	var lines []string
	for _, r := range report.Results {
		q := r.Decision.Question()
		if strings.Contains(r.Text, " with tag ") {
			continue // no trust policy here lets anybody bring tags
		}
		if r.Kind != caseline.Allow || q.Rule != decision.KeyPolicy || !strings.Contains(q.Resource.ARN, ":key/") {
			continue
		}
		line := "nobody may " + q.Action + " " + q.Resource.ARN
		if others := allBut(t, path, r); others != "" {
			line = "only [" + others + "] may " + q.Action + " " + q.Resource.ARN
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

var opened = map[string]*policytests.Asker{}

// allBut names everybody in a world but the principal of a case; empty if it
// is not clear who that is.
func allBut(t *testing.T, path string, r policytests.Result) string {
	t.Helper()
	asker := opened[path]
	if asker == nil {
		w, err := world.Load(path, nil)
		require.NoError(t, err)
		asker, err = policytests.NewAsker(policytests.Config{World: w, Engine: engine, Now: policytests.DefaultTime})
		require.NoError(t, err)
		opened[path] = asker
	}
	c, err := caseline.ParseCase(r.Text)
	require.NoError(t, err)
	who, err := asker.ARN(c.Request.Principals[0])
	if err != nil || strings.Contains(who, ":sts:") {
		return ""
	}
	var others []string
	for _, w := range asker.Everybody() {
		if arn, err := asker.ARN(w); err != nil || arn != who {
			others = append(others, caseline.Quote(w.Text))
		}
	}
	return strings.Join(others, ", ")
}
