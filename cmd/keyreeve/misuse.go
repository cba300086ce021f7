package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyreeve/keyreeve/rego/slip"
)

// misused adds to the error of a wrong flag which one was meant, if that can
// be told, and where the flags are described.
func misused(c *cobra.Command, err error) error {
	hint := "see " + c.CommandPath() + " --help"
	if wrong := new(pflag.InvalidValueError); errors.As(err, &wrong) {
		if want := valueOf[wrong.GetFlag().Value.Type()]; want != "" {
			err = fmt.Errorf("--%s is %s, not %q", wrong.GetFlag().Name, want, wrong.GetValue())
		}
	}
	if _, name, ok := strings.Cut(err.Error(), "unknown flag: --"); ok {
		if meant := nearestFlag(c, name); meant != "" {
			hint = "did you mean --" + meant + "? " + hint
		}
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// valueOf says what the flags of a type want.
var valueOf = map[string]string{"int": "a whole number", "bool": "true or false", "duration": "a duration such as 10s"}

// plainly is the text of an error in which what the system says of a file is a
// sentence that tells what to do.
func plainly(err error) string {
	text := err.Error()
	var wrong *fs.PathError
	if !errors.As(err, &wrong) {
		return text
	}
	switch {
	case errors.Is(wrong, fs.ErrNotExist):
		return strings.Replace(text, wrong.Error(), "there is no file or directory "+wrong.Path+nearPath(wrong.Path), 1)
	case errors.Is(wrong, fs.ErrPermission):
		return strings.Replace(text, wrong.Error(), "you have no permission to "+wrong.Op+" "+wrong.Path, 1)
	case errors.Is(wrong, syscall.EISDIR):
		return strings.Replace(text, wrong.Error(), wrong.Path+" is a directory; name a file", 1)
	case errors.Is(wrong, syscall.ENOTDIR):
		return strings.Replace(text, wrong.Error(), wrong.Path+" goes through a file as if it were a directory", 1)
	}
	return text
}

// nearPath asks whether another file of the directory was meant, or says which
// directory is not there.
func nearPath(name string) string {
	dir, base := filepath.Split(filepath.Clean(name))
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if near := slip.Nearest(base, names, len(base)/4); near != "" {
		return slip.Ask(dir + near)
	}
	return ""
}

// noArguments refuses arguments.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no arguments but flags, not %q; see %s --help", c.Name(), args[0], c.CommandPath())
}

// oneFile refuses more than one argument.
func oneFile(c *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return fmt.Errorf("%s takes one argument, not %d; see %s --help", c.Name(), len(args), c.CommandPath())
}

// isHostPort tells whether text is an address with a port that can be.
func isHostPort(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// maxTypos is how far a flag may be from the one that was meant.
const maxTypos = 2

// nearestFlag is the flag of a command that name is a slip of, or empty.
func nearestFlag(c *cobra.Command, name string) string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return slip.Begun(name, names, maxTypos)
}

// nearest is the word of a list that another is a slip of, or empty.
func nearest(word string, all []string) string { return slip.Nearest(word, all, len(word)/4) }
