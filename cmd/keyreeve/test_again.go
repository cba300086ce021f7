package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// look is the time between two looks at the files that are watched.
const look = 300 * time.Millisecond

// watched runs the cases now and after each change of a file, until the
// command is interrupted.
func (f *testFlags) watched(c *cobra.Command, paths []string) error {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	out := c.OutOrStdout()
	for {
		seen := fingerprint(paths)
		if err := f.once(c, paths); err != nil && c.Context().Err() == nil {
			if _, failed := fmt.Fprintln(out, safetext.Lines(err.Error())); failed != nil {
				return cannot(failed)
			}
		}
		if _, err := fmt.Fprintf(out, "watching %s\n", safetext.Text(strings.Join(paths, ", "))); err != nil {
			return cannot(err)
		}
		changed, err := nextChange(c.Context(), ticker.C, paths, seen)
		if err != nil {
			return nil // an interrupt is how watching ends
		}
		if _, err := fmt.Fprintf(out, "\n%s changed\n", safetext.Text(changed)); err != nil {
			return cannot(err)
		}
	}
}

// nextChange waits until files are unlike before, and have been the same for
// two looks: several are often written one after the other.
func nextChange(ctx context.Context, tick <-chan time.Time, paths []string, before map[string]string) (string, error) {
	last := before
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-tick:
		}
		now := fingerprint(paths)
		if !maps.Equal(now, before) && maps.Equal(now, last) {
			return firstDifference(before, now), nil
		}
		last = now
	}
}

func firstDifference(before, now map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if before[name] != now[name] {
			return name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, left := now[name]; !left {
			return name
		}
	}
	return ""
}

// fingerprint tells the files below paths and of the worlds around them, by
// size and time. What cannot be looked at is as if absent.
func fingerprint(paths []string) map[string]string {
	all := map[string]string{}
	worlds, _ := policytests.Worlds(paths) // what is wrong is told by the run
	for _, path := range append(worlds, paths...) {
		_ = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error { // errors are of files that come and go
			if err == nil {
				err = noteFile(all, path, name, d)
			}
			if errors.Is(err, filepath.SkipDir) {
				return err
			}
			return nil
		})
	}
	return all
}

// noteFile notes one file. What begins with a dot does not count.
func noteFile(all map[string]string, root, name string, d fs.DirEntry) error {
	hidden := strings.HasPrefix(d.Name(), ".") && name != root
	switch {
	case hidden && d.IsDir():
		return filepath.SkipDir
	case hidden || d.IsDir():
		return nil
	}
	info, err := d.Info()
	if err == nil {
		all[name] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
	}
	return err
}

// benchTime is how long --bench measures at least.
const benchTime = time.Second

// measure decides the cases again and again, each time as a whole command
// would, and writes a line as Go benchmarks do.
func (f *testFlags) measure(c *cobra.Command, paths []string) error {
	report, err := f.decide(c, paths, nil)
	if err != nil {
		return cannot(err)
	}
	if err := f.verdict(report); err != nil {
		return errors.Join(err, errors.New("only what passes is measured"))
	}
	cases := len(report.Results)
	if cases == 0 {
		return cannot(errors.New("there are no cases to measure"))
	}
	runs := 0
	began := time.Now()
	for time.Since(began) < benchTime || runs < f.count {
		if _, err := f.decide(c, paths, nil); err != nil {
			return cannot(err)
		}
		runs += f.count
	}
	each := time.Since(began) / time.Duration(runs)
	_, err = fmt.Fprintf(c.OutOrStdout(), "BenchmarkCases-%d\t%8d\t%12d ns/op\t%8d ns/case\t%8d cases\n",
		runtime.GOMAXPROCS(0), runs, each.Nanoseconds(), each.Nanoseconds()/int64(cases), cases)
	return cannot(err)
}
