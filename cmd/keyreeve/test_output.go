package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// coverageFiles are the formats of coverage, and what their files are called.
var coverageFiles = map[string]string{"text": "", "json": "coverage.json", "html": "coverage.html"}

func formatNames() []string {
	names := make([]string, len(report.Formats))
	for i, f := range report.Formats {
		names[i] = string(f)
	}
	return names
}

// check refuses flags that contradict each other.
func (f *testFlags) check(args []string) error {
	switch {
	case f.grammar:
		return errors.New("--grammar stands alone")
	case len(args) == 0:
		return errors.New("test needs a world, a directory of worlds, or a .cases file")
	}
	if _, err := regexp.Compile(f.run); err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	formats, err := report.ParseFormats(f.format)
	if err != nil {
		return fmt.Errorf("--format: %w", err)
	}
	for _, format := range f.coverage {
		switch file, known := coverageFiles[format]; {
		case !known:
			return fmt.Errorf("--coverage: there is no format %q; there are text, json and html", format)
		case file != "" && f.dir == "":
			return fmt.Errorf("--coverage=%s needs -o DIRECTORY", format)
		}
	}
	switch {
	case len(formats) > 1 && f.dir == "":
		return errors.New("several formats need -o DIRECTORY")
	case f.count < 1:
		return errors.New("--count is at least 1")
	case f.threshold < 0 || f.threshold > 100:
		return errors.New("--coverage-threshold is a percentage, 0 to 100")
	case f.bench && f.watch:
		return errors.New("--bench and --watch do not go together")
	}
	return nil
}

// tell writes results and coverage in the formats that were asked for.
func (f *testFlags) tell(c *cobra.Command, results policytests.Report) error {
	formats, err := report.ParseFormats(f.format)
	if err != nil {
		return err
	}
	out := report.Output{Formats: formats, Dir: f.dir, Out: c.OutOrStdout(), Style: styleOf(c.OutOrStdout())}
	files, err := out.Write(report.Tests{Report: results, FailOnly: f.failOnly, Version: version()})
	if err != nil {
		return err
	}
	for _, format := range f.coverage {
		file, err := f.tellCoverage(c.OutOrStdout(), format, *results.Coverage)
		if err != nil {
			return err
		}
		if file != "" {
			files = append(files, file)
		}
	}
	for _, file := range files {
		if _, err := fmt.Fprintln(c.ErrOrStderr(), "wrote", safetext.Text(file)); err != nil {
			return err
		}
	}
	return nil
}

// tellCoverage writes coverage as text to out, in other formats to a file.
func (f *testFlags) tellCoverage(out io.Writer, format string, coverage policytests.Coverage) (file string, err error) {
	if format == "text" {
		if f.format == "text" || f.dir != "" {
			_, err = fmt.Fprintln(out)
		}
		return "", errors.Join(err, coverage.WriteText(out))
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return "", err
	}
	file = filepath.Join(f.dir, coverageFiles[format])
	var text bytes.Buffer
	write := coverage.WriteHTML
	if format == "json" {
		write = coverage.WriteJSON
	}
	if err := write(&text); err != nil {
		return "", err
	}
	return file, report.WriteFile(file, text.Bytes(), 0o644)
}
