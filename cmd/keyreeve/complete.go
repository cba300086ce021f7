package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests/repl"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
)

// words completes the arguments of a command as the REPL completes those of the
// command of that name: with the principals, keys, aliases and condition keys of
// the world that is asked. Without such a world, or where nothing fits, a shell
// offers files.
func (f *questionFlags) words(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	path, err := f.path()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	d, err := draft.Read(path)
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	s, err := repl.New(repl.Config{Draft: d, Path: path})
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	all, part := s.Complete(strings.Join(append(append([]string{c.Name()}, args...), begun), " "))
	directive := cobra.ShellCompDirectiveNoFileComp
	var words []cobra.Completion
	for _, w := range all {
		words = append(words, cobra.CompletionWithDesc(strings.TrimSuffix(begun, part)+w.Value, w.About))
		if w.Open {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
	}
	if len(words) == 0 {
		directive = cobra.ShellCompDirectiveDefault
	}
	return words, directive
}
