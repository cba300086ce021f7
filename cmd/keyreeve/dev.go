package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/examples"
)

// A devWorld is what --dev prepared.
type devWorld struct {
	path string // of the world; empty without --dev
}

// prepareDev makes the data directory and the example world, unless they are
// there or another world is named.
func prepareDev(data, path string) (devWorld, error) {
	if path != "" {
		return devWorld{path}, nil
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return devWorld{}, fmt.Errorf("making the data directory: %w", err)
	}
	path = filepath.Join(data, "world")
	if _, err := os.Stat(path); err == nil {
		return devWorld{path}, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return devWorld{}, fmt.Errorf("looking for the example world: %w", err)
	}
	return devWorld{path}, examples.WriteDev(path, rand.Reader)
}

// print says what is served, and prints lines to paste into a shell: those of
// an administrator, and beside them those of a plain user.
func (d devWorld) print(out io.Writer, data, url string, w *world.World, authority string) error {
	config, err := d.profiles(data, url, w, authority)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "keyreeve, development mode: data in %s, world in %s\n", data, d.path)
	b.WriteString("Every call is authenticated and decided by OPA; nothing is allowed by default.\n\n")
	administrator, plain := keyOf(w, examples.DevAdministrator), keyOf(w, examples.DevUser)
	if administrator == nil {
		administrator = firstKey(w)
	}
	b.WriteString("# paste into another terminal:\n")
	fmt.Fprintf(&b, "export AWS_ENDPOINT_URL=%s\n", url)
	fmt.Fprintf(&b, "export AWS_REGION=%s AWS_DEFAULT_REGION=%s\n", w.Regions()[0], w.Regions()[0])
	if authority != "" {
		fmt.Fprintf(&b, "export AWS_CA_BUNDLE=%s\n", quoteShell(absolute(authority)))
	}
	if administrator != nil {
		fmt.Fprintf(&b, "export AWS_ACCESS_KEY_ID=%s\n", quoteShell(administrator.ID))
		fmt.Fprintf(&b, "export AWS_SECRET_ACCESS_KEY=%s   # %s\n", quoteShell(string(administrator.Secret.Expose())), ownerOf(administrator))
	}
	fmt.Fprintf(&b, "export AWS_CONFIG_FILE=%s   # profiles, for: aws --profile NAME …\n", quoteShell(absolute(config)))
	if plain != nil {
		fmt.Fprintf(&b, "\n# the same as a plain user (%s):\n", ownerOf(plain))
		fmt.Fprintf(&b, "# export AWS_ACCESS_KEY_ID=%s\n", quoteShell(plain.ID))
		fmt.Fprintf(&b, "# export AWS_SECRET_ACCESS_KEY=%s\n", quoteShell(string(plain.Secret.Expose())))
	}
	b.WriteString("\n")
	_, err = io.WriteString(out, b.String())
	return err
}

// profiles writes an AWS configuration file with a profile for each user that
// has an access key, and one for each role that such a user can try to assume.
func (d devWorld) profiles(data, url string, w *world.World, authority string) (string, error) {
	var b strings.Builder
	b.WriteString("# Written by keyreeve serve --dev at each start.\n")
	for _, a := range w.Accounts() {
		source := ""
		for _, u := range a.Users {
			if len(u.Keys) == 0 {
				continue
			}
			source = u.Name
			fmt.Fprintf(&b, "\n[profile %s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", u.Name, u.Keys[0].ID, u.Keys[0].Secret.Expose())
			d.common(&b, url, w, authority)
		}
		for _, r := range a.Roles {
			if source == "" {
				continue
			}
			fmt.Fprintf(&b, "\n[profile %s]\nrole_arn = %s\nsource_profile = %s\n", r.Name, r.ARN, source)
			d.common(&b, url, w, authority)
		}
	}
	path := filepath.Join(data, "aws-config")
	return path, writeFile(path, []byte(b.String()))
}

func (d devWorld) common(b *strings.Builder, url string, w *world.World, authority string) {
	fmt.Fprintf(b, "region = %s\nendpoint_url = %s\n", w.Regions()[0], url)
	if authority != "" {
		fmt.Fprintf(b, "ca_bundle = %s\n", absolute(authority))
	}
}

// keyOf is the first access key of the users with a name.
func keyOf(w *world.World, name string) *world.AccessKey {
	for _, a := range w.Accounts() {
		for _, u := range a.Users {
			if u.Name == name && len(u.Keys) > 0 {
				return &u.Keys[0]
			}
		}
	}
	return nil
}

// firstKey is an access key of a world that we did not write.
func firstKey(w *world.World) *world.AccessKey {
	for _, a := range w.Accounts() {
		for _, u := range a.Users {
			if len(u.Keys) > 0 {
				return &u.Keys[0]
			}
		}
		if len(a.RootKeys) > 0 {
			return &a.RootKeys[0]
		}
	}
	return nil
}

func ownerOf(k *world.AccessKey) string {
	if k.User != nil {
		return k.User.ARN
	}
	return "account " + k.Account
}

// quoteShell makes text safe to paste into a POSIX shell.
func quoteShell(text string) string {
	plain := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/+=._-:@", r))
	}
	if text != "" && strings.IndexFunc(text, plain) < 0 {
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
