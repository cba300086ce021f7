package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests"
)

// testFormats are the values of --format.
var testFormats = []string{"text", "json"}

// coverageFormats are the values of --coverage, with what their files are
// called.
var coverageFormats = map[string]string{"text": "coverage.txt", "json": "coverage.json", "html": "coverage.html"}

// check refuses flags that contradict each other.
func (f *testFlags) check(args []string) error {
	if len(args) == 0 {
		return errors.New("test needs a world, a directory of worlds, or a .cases file")
	}
	if _, err := regexp.Compile(f.run); err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	for _, format := range f.formats {
		if !slices.Contains(testFormats, format) {
			return fmt.Errorf("--format: there is no format %q; there are %s", format, strings.Join(testFormats, ", "))
		}
	}
	for _, format := range f.coverage {
		switch {
		case coverageFormats[format] == "":
			return fmt.Errorf("--coverage: there is no format %q; there are text, json and html", format)
		case format != "text" && f.dir == "":
			return fmt.Errorf("--coverage=%s needs -o DIRECTORY", format)
		}
	}
	switch {
	case len(f.formats) > 1 && f.dir == "":
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
func (f *testFlags) tell(c *cobra.Command, report policytests.Report) error {
	if f.dir != "" {
		if err := os.MkdirAll(f.dir, 0o755); err != nil {
			return err
		}
	}
	for _, format := range f.formats {
		if err := f.write(c.OutOrStdout(), "report."+format, func(w io.Writer) error { return f.results(w, format, report) }); err != nil {
			return err
		}
	}
	for _, format := range f.coverage {
		err := f.write(c.OutOrStdout(), coverageFormats[format], func(w io.Writer) error { return coverageIn(w, format, *report.Coverage) })
		if err != nil {
			return err
		}
	}
	return nil
}

// write has something written to a file of the output directory, or to out
// without one.
func (f *testFlags) write(out io.Writer, name string, write func(io.Writer) error) error {
	if f.dir == "" {
		return write(out)
	}
	file, err := os.Create(filepath.Join(f.dir, name))
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

func coverageIn(w io.Writer, format string, coverage policytests.Coverage) error {
	switch format {
	case "json":
		return coverage.WriteJSON(w)
	case "html":
		return coverage.WriteHTML(w)
	default:
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
		return coverage.WriteText(w)
	}
}

func (f *testFlags) results(w io.Writer, format string, report policytests.Report) error {
	if format == "json" {
		return json.NewEncoder(w).Encode(report)
	}
	for _, r := range report.Results {
		switch {
		case r.Failure != nil:
			if _, err := fmt.Fprintf(w, "FAIL %s\n%s\n", r.Name(), r.Failure); err != nil {
				return err
			}
		case !f.failOnly:
			if _, err := fmt.Fprintf(w, "ok   %s\n", r.Name()); err != nil {
				return err
			}
		}
	}
	for _, p := range report.Problems {
		if _, err := fmt.Fprintf(w, "???? %s\n", p); err != nil {
			return err
		}
	}
	return nil
}
