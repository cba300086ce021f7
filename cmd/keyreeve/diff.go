package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests/compare"
	"github.com/keyreeve/keyreeve/policytests/extract"
)

// exitNarrower says that a new version only allows less.
const exitNarrower = 4

// diffFlags are the flags of diff.
type diffFlags struct {
	kind, account, region string
	format                string
	all                   bool
}

func newDiff() *cobra.Command {
	var f diffFlags
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Tell what a change of policies lets happen, and what it stops",
		Long: `diff compares two versions of a policy, a directory of policies or a world by what
they decide, not by how they are written. It lists the requests that are newly allowed
and newly denied: for each principal, and each group of actions that the policies treat
alike, one request, which the engine has decided in both versions.

OLD and NEW are files, directories or worlds, or what a git repository holds at a
revision, as REVISION:PATH. Files of directories are compared by name. A policy by
itself is compared as if all others allowed everything; in a world, all policies count.
Where there is no difference, that is proved over all requests. Trust policies are
compared by who may assume the role. Grants outside of a world are not compared, nor
are actions of services other than KMS and STS; if what policies say of them changed,
that is said, and the exit code is not 0.

Exit codes: 0 the same; 1 new access; 2 wrong flags or arguments; 3 something could not
be read or decided; 4 nothing newly allowed, something newly denied.`,
		Example: `  keyreeve diff payroll.key.json payroll.new.key.json
  keyreeve diff HEAD:policies policies
  keyreeve diff main:world world --format json
  git show HEAD:payroll.key.json | keyreeve diff --kind key - payroll.key.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("diff takes two versions, OLD and NEW, not %d; see keyreeve diff --help", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return f.diff(c, args[0], args[1]) },
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.kind, "kind", "", "what all policies are: "+strings.Join(extract.Kinds, ", "))
	flags.StringVar(&f.account, "account", "", "account `id` that policies are for, where the files do not tell")
	flags.StringVar(&f.region, "region", "", "`Region` that policies are for, where the files do not tell")
	flags.StringVar(&f.format, "format", "text", "text or json")
	flags.BoolVar(&f.all, "all", false, "list all changes, also where there are many")
	complete(c, "kind", extract.Kinds)
	complete(c, "format", []string{"text", "json"})
	return c
}

func (f diffFlags) diff(c *cobra.Command, old, new string) error {
	o := compare.Options{Extract: extract.Options{Stdin: c.InOrStdin(), Account: f.account, Region: f.region}}
	if f.kind != "" {
		var known bool
		if o.Extract.Kind, known = extract.KindNamed(f.kind); !known {
			return fmt.Errorf("--kind: there is no kind %q of policy; there are %s", f.kind, strings.Join(extract.Kinds, ", "))
		}
	}
	if !slices.Contains([]string{"text", "json"}, f.format) {
		return fmt.Errorf("--format is text or json, not %q; see keyreeve diff --help", f.format)
	}
	name := new
	dir, err := os.MkdirTemp("", "keyreeve-diff-")
	if err != nil {
		return cannot(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // nothing depends on it
	if old, err = atRevision(c.Context(), filepath.Join(dir, "old"), old); err != nil {
		return cannot(err)
	}
	if new, err = atRevision(c.Context(), filepath.Join(dir, "new"), new); err != nil {
		return cannot(err)
	}
	p := startProgress(c.ErrOrStderr(), "comparing")
	report, err := compare.Paths(c.Context(), old, new, o)
	p.stop()
	if err != nil {
		return cannot(readable(err, dir))
	}
	if f.format == "json" {
		err = writeDiffJSON(c.OutOrStdout(), report)
	} else {
		err = writeDiff(c.OutOrStdout(), name, report, f.all)
	}
	if err != nil {
		return cannot(err)
	}
	return diffExit(report)
}

// diffExit is the exit code of a report.
func diffExit(r *compare.Report) error {
	switch r.Result() {
	case compare.Same:
		return nil
	case compare.NewAccess:
		return &exitError{exitFindings, errors.New("the new version allows more")}
	case compare.Narrower:
		return &exitError{exitNarrower, errors.New("the new version allows less, and nothing more")}
	default:
		return cannot(errors.New("not everything could be compared"))
	}
}

// readable leaves the temporary directory out of an error.
func readable(err error, dir string) error {
	text := strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// revision is what REVISION:PATH names; ok is false for a path.
func revision(arg string) (rev, path string, ok bool) {
	if _, err := os.Stat(arg); err == nil || arg == "-" {
		return "", "", false
	}
	rev, path, ok = strings.Cut(arg, ":")
	return rev, path, ok && rev != "" && !strings.HasPrefix(rev, "-")
}

// atRevision is the path of a version: itself, or where the files of a git
// revision were put, below dir.
func atRevision(ctx context.Context, dir, arg string) (string, error) {
	rev, path, ok := revision(arg)
	if !ok {
		return arg, nil
	}
	path = filepath.ToSlash(filepath.Clean(path))
	var out, complaint bytes.Buffer
	git := exec.CommandContext(ctx, "git", "archive", "--format=tar", rev, "--", path)
	git.Stdout, git.Stderr = &out, &complaint
	if err := git.Run(); err != nil {
		text, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n")
		if text == "" {
			text = err.Error()
		}
		return "", fmt.Errorf("there is no file %s, and git cannot give it: %s", arg, text)
	}
	if err := unpack(dir, &out); err != nil {
		return "", fmt.Errorf("reading %s: %w", arg, err)
	}
	return filepath.Join(dir, filepath.FromSlash(path)), nil
}

// maxUnpacked bounds the bytes of a revision.
const maxUnpacked = 256 << 20

// unpack writes the files of an archive below dir.
func unpack(dir string, archive io.Reader) error {
	left := int64(maxUnpacked)
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue // directories are made when needed; links lead elsewhere
		}
		if !filepath.IsLocal(h.Name) {
			return fmt.Errorf("%s lies outside of the revision", h.Name)
		}
		if left -= h.Size; left < 0 {
			return fmt.Errorf("the revision has more than %d MiB", maxUnpacked>>20)
		}
		if err := unpackFile(filepath.Join(dir, filepath.FromSlash(h.Name)), r); err != nil {
			return err
		}
	}
}

func unpackFile(name string, from io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	text, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o600)
}
