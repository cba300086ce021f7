package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write manual pages for all commands",
		Long: `man writes a manual page for keyreeve and each of its commands to DIR, which it makes
if need be: keyreeve.1, keyreeve-lint.1 and so on. Packages put them where man(1)
looks. The pages are the same for the same version.`,
		Example: `  keyreeve man /usr/local/share/man/man1
  keyreeve man pages && man pages/keyreeve-lint.1`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("man needs one directory; see keyreeve man --help")
			}
			sharedFiles()
			return cannot(writeManual(c.Root(), args[0]))
		},
	}
}

// sourceDate is when the source was committed, so that pages of one build are
// alike; the epoch where the build does not know.
func sourceDate() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				if at, err := time.Parse(time.RFC3339, s.Value); err == nil {
					return at
				}
			}
		}
	}
	return time.Unix(0, 0).UTC()
}

// writeManual writes a page for each command that people call.
func writeManual(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root.DisableAutoGenTag = true // the date would make each build another
	root.InitDefaultCompletionCmd()
	date := sourceDate()
	header := &doc.GenManHeader{Section: "1", Date: &date, Source: "keyreeve " + version(), Manual: "keyreeve"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return fmt.Errorf("writing manual pages: %w", err)
	}
	return nil
}
