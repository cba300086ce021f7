package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// describeItself gives the commands that come with cobra, help and completion,
// examples, and has them refuse what does not exist. root has its other commands
// already.
func describeItself(root *cobra.Command) {
	root.SetHelpCommandGroupID(groupItself)
	root.SetCompletionCommandGroupID(groupItself)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Example = "  keyreeve help lint\n  keyreeve help completion bash"
			c.Args = func(_ *cobra.Command, args []string) error { return isCommand(root, args) }
		case "completion":
			c.Example = `  keyreeve completion bash > /etc/bash_completion.d/keyreeve
  source <(keyreeve completion zsh)
  keyreeve completion fish > ~/.config/fish/completions/keyreeve.fish`
			c.Args = func(_ *cobra.Command, args []string) error {
				return isCommand(root, append([]string{"completion"}, args...))
			}
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}

// isCommand refuses a path of names that leads to no command.
func isCommand(root *cobra.Command, path []string) error {
	at := root
	for _, name := range path {
		var below *cobra.Command
		var names []string
		for _, c := range at.Commands() {
			if names = append(names, c.Name()); c.Name() == name || c.HasAlias(name) {
				below = c
			}
		}
		if below == nil {
			hint := ""
			if near := nearest(name, names); near != "" {
				hint = "; did you mean " + near + "?"
			} else if len(names) > 0 && at != root {
				hint = "; there are " + strings.Join(names, ", ")
			}
			return fmt.Errorf("there is no command %s %s%s", at.CommandPath(), name, hint)
		}
		at = below
	}
	return nil
}
