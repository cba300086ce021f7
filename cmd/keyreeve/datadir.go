package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/engine/instance"
)

func newCreateData() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "create-data --data DIRECTORY",
		Short: "Make a data directory with a new root key",
		Long: `create-data makes a data directory and the root key in it, under which everything that
is secret will be sealed. It never replaces a root key.

serve without --dev makes neither: were a volume missing at a start, it would
begin anew, with a key that opens nothing.`,
		Example: `  keyreeve create-data --data /var/lib/keyreeve
  keyreeve serve --data /var/lib/keyreeve --world /etc/keyreeve/world`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if data == "" {
				return errors.New("create-data needs --data DIRECTORY; see keyreeve create-data --help")
			}
			path, err := create(data)
			if err != nil {
				return cannot(err)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "made %s\nKeep a copy apart from the data directory: without it nothing in the directory can be opened.\n", path)
			return cannot(err)
		},
	}
	c.Flags().StringVar(&data, "data", "", "data directory to make; it may exist if it is empty")
	return c
}

// create makes a data directory where there is nothing yet.
func create(data string) (string, error) {
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	ours := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "root.key" || e.Name() == "store" })
	if len(entries) > 0 && !ours {
		return "", fmt.Errorf("%s is not empty: name a directory that is empty or does not exist", data)
	}
	path, err := instance.Create(data) // it tells what is wrong with a directory of ours
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%s is a data directory already; a root key is never replaced", data)
	}
	return path, err
}
