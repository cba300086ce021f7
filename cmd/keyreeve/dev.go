package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/examples"
)

// prepareDev makes the data directory, and in it the example world if that is
// the one to serve and it is not there.
func prepareDev(data, path string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	if path != filepath.Join(data, "world") {
		return nil
	}
	_, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return examples.WriteDev(path, rand.Reader)
}

// A devWorld is what --dev serves, and where.
type devWorld struct {
	data, path string
	url        string
	authority  string // certificate that clients need to trust; empty without TLS of our own
	everywhere bool   // it listens on all addresses of the machine
	world      *world.World
}

// announce says what is served, and prints lines to paste into a shell: those of
// an administrator, and beside them those of a plain user.
func (d devWorld) announce(out io.Writer, enforced []string) error {
	config := filepath.Join(d.data, "aws-config")
	if err := os.WriteFile(config, []byte(d.profiles()), 0o600); err != nil {
		return fmt.Errorf("writing profiles: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "keyreeve, development mode: data in %s, world in %s\n", d.data, d.path)
	b.WriteString("Nothing is allowed by default. Enforced:\n  " + strings.Join(enforced, "\n  ") + "\n")
	if d.everywhere {
		b.WriteString("Other machines can reach it: it listens on all addresses.\n")
	}
	fmt.Fprintf(&b, "\nProfiles in %s: %s\n", config, strings.Join(d.names(), ", "))
	d.lines(&b, config)
	_, err := io.WriteString(out, b.String())
	return err
}

// lines writes what to paste: nothing but commands between two empty lines,
// because zsh knows no comments at its prompt. The plain user's are indented,
// so that who looks for lines that begin with export finds one user's.
func (d devWorld) lines(b *strings.Builder, config string) {
	admin := d.administrator()
	b.WriteString("\nPaste into another terminal")
	if admin != nil {
		fmt.Fprintf(b, ", to be %s", ownerOf(admin))
	}
	b.WriteString(":\n\n")
	region := d.world.Regions()[0]
	b.WriteString("unset AWS_PROFILE AWS_SESSION_TOKEN\n")
	// The SDK for Go assumes the roles of profiles at the second one, and at AWS without it.
	fmt.Fprintf(b, "export AWS_ENDPOINT_URL=%[1]s AWS_ENDPOINT_URL_STS=%[1]s\n", quoteShell(d.url))
	fmt.Fprintf(b, "export AWS_REGION=%s AWS_DEFAULT_REGION=%s\n", region, region)
	if d.authority != "" {
		fmt.Fprintf(b, "export AWS_CA_BUNDLE=%s\n", quoteShell(absolute(d.authority)))
	}
	fmt.Fprintf(b, "export AWS_CONFIG_FILE=%s\n", quoteShell(absolute(config)))
	if admin != nil {
		writeKeys(b, "", admin)
	}
	if k := keyOf(d.world, examples.DevUser); k != nil {
		fmt.Fprintf(b, "\nAfter them, to be a plain user, %s (or: aws --profile %s …):\n\n", ownerOf(k), k.User.Name)
		writeKeys(b, "  ", k)
	}
	b.WriteString("\n")
}

func writeKeys(b *strings.Builder, indent string, k *world.AccessKey) {
	fmt.Fprintf(b, "%sexport AWS_ACCESS_KEY_ID=%s\n", indent, quoteShell(k.ID))
	fmt.Fprintf(b, "%sexport AWS_SECRET_ACCESS_KEY=%s\n", indent, quoteShell(string(k.Secret.Expose())))
}

// administrator is whose keys to paste; in a world that we did not write, the
// first there are, nil if there are none.
func (d devWorld) administrator() *world.AccessKey {
	if k := keyOf(d.world, examples.DevAdministrator); k != nil {
		return k
	}
	for _, a := range d.world.Accounts() {
		if k := active(a.RootKeys); k != nil {
			return k
		}
		for _, u := range a.Users {
			if k := active(u.Keys); k != nil {
				return k
			}
		}
	}
	return nil
}

// keyOf is an access key of the first user with a name, nil without.
func keyOf(w *world.World, name string) *world.AccessKey {
	for _, a := range w.Accounts() {
		for _, u := range a.Users {
			if k := active(u.Keys); u.Name == name && k != nil {
				return k
			}
		}
	}
	return nil
}

func active(keys []world.AccessKey) *world.AccessKey {
	for i := range keys {
		if keys[i].Active {
			return &keys[i]
		}
	}
	return nil
}

func ownerOf(k *world.AccessKey) string {
	if k.User != nil {
		return k.User.ARN
	}
	return "root of account " + k.Account
}

// plainText is what a POSIX shell takes as it stands.
var plainText = regexp.MustCompile(`^[A-Za-z0-9/+=._:@-]+$`)

// quoteShell makes text safe to paste into a POSIX shell.
func quoteShell(text string) string {
	if plainText.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
