package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests/check"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// maxPasses bounds how often files are linted again after they were mended.
const maxPasses = 20

// run lints, and with --fix mends until nothing is left to mend.
func (f *lintFlags) run(c *cobra.Command, paths []string, o check.Options) (*check.Result, error) {
	left := map[string]bool{} // files that are told to be left alone
	for range maxPasses {
		found, err := check.Paths(c.Context(), paths, o)
		if err != nil || !f.fix {
			return found, err
		}
		mended := 0
		for _, m := range found.Mend() {
			switch elsewhere, err := outside(m.Path, paths); {
			case err != nil:
				return nil, err
			case elsewhere == "":
				if err := mend(c.ErrOrStderr(), m); err != nil {
					return nil, err
				}
				mended++
			case !left[m.Path]:
				left[m.Path] = true
				if _, err := fmt.Fprintf(c.ErrOrStderr(), "not mended: %s is a link to %s, outside of what was to be linted; name that file to mend it\n",
					safetext.Text(m.File), safetext.Text(elsewhere)); err != nil {
					return nil, err
				}
			}
		}
		if mended == 0 {
			return found, nil
		}
	}
	return check.Paths(c.Context(), paths, o)
}

// outside is where a file really lies, if it was reached over a link that leads
// out of all paths. A path that is that file was asked for.
func outside(file string, paths []string) (string, error) {
	target, err := realPath(file)
	if err != nil {
		return "", err
	}
	for _, p := range paths {
		if p == "-" {
			continue
		}
		root, err := realPath(p)
		if err != nil {
			return "", err
		}
		if slices.Contains([]string{"world.yaml", "world.yml", "world.json"}, filepath.Base(p)) {
			root = filepath.Dir(root) // it stands for the world that it describes
		}
		if inside, err := filepath.Rel(root, target); err == nil && filepath.IsLocal(inside) {
			return "", nil
		}
	}
	return target, nil
}

// realPath is the absolute path of a file without links.
func realPath(file string) (string, error) {
	file, err := filepath.EvalSymlinks(file)
	if err != nil {
		return "", err
	}
	return filepath.Abs(file)
}

// mend writes a file and tells what was mended.
func mend(notes io.Writer, m check.Mended) error {
	if err := replaceFile(m.Path, m.After); err != nil {
		return err
	}
	for _, fixed := range m.Fixed {
		if _, err := fmt.Fprintf(notes, "mended %s:%d: %s: %s\n",
			safetext.Text(m.File), fixed.Span.Start.Line, fixed.Rule, safetext.Text(fixed.Fixes[0].Title)); err != nil {
			return err
		}
	}
	return nil
}

// replaceFile writes a file so that it is there as a whole at any moment, with
// the mode that it has. A link stays, and what it leads to is written.
func replaceFile(name string, text []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return errors.Join(report.WriteFile(name, text, info.Mode().Perm()), os.Chmod(name, info.Mode().Perm()))
}

func (f *lintFlags) saveBaseline(notes io.Writer, found *check.Result) error {
	baseline := found.NewBaseline()
	var b strings.Builder
	if err := baseline.Write(&b); err != nil {
		return err
	}
	if err := os.WriteFile(f.writeBaseline, []byte(b.String()), 0o644); err != nil {
		return err
	}
	name := safetext.Text(f.writeBaseline)
	_, err := fmt.Fprintf(notes, "wrote %s: %s that will not count; keyreeve lint --baseline %s\n", name, count(len(baseline.Findings), "finding"), name)
	return err
}
