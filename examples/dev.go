package examples

import (
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// devOwners lists who gets an access key in the dev world.
var devOwners = []struct{ account, user string }{
	{DevAccount, DevAdministrator},
	{DevAccount, DevUser},
	{"444455556666", "carol"},
}

// WriteDev writes the dev world to dir, which must not exist, with access keys
// made from rand. Nobody but the owner can read it. It is there as a whole
// when WriteDev returns, or not at all.
func WriteDev(dir string, rand io.Reader) error {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("writing the dev world: %s: %w", dir, fs.ErrExist)
	}
	unfinished, err := os.MkdirTemp(filepath.Dir(dir), ".dev-*")
	if err != nil {
		return fmt.Errorf("writing the dev world: %w", err)
	}
	defer func() { _ = os.RemoveAll(unfinished) }() // gone already when all went well
	credentials, err := devCredentials(rand)
	if err != nil {
		return err
	}
	if err := copyDev(unfinished); err != nil {
		return fmt.Errorf("writing the dev world: %w", err)
	}
	if err := write(filepath.Join(unfinished, "credentials.yaml"), credentials); err != nil {
		return fmt.Errorf("writing the dev world: %w", err)
	}
	if err := os.Rename(unfinished, dir); err != nil {
		return fmt.Errorf("writing the dev world: %w", err)
	}
	return nil
}

func copyDev(dir string) error {
	return fs.WalkDir(Worlds, "dev", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(name, "dev")))
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		text, err := Worlds.ReadFile(name)
		if err != nil {
			return err
		}
		return write(to, text)
	})
}

// write makes a file that only the owner can read, and waits until it is on
// disk: a later start finds it whole.
func write(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// devCredentials is a world file with an access key for each of devOwners.
func devCredentials(rand io.Reader) ([]byte, error) {
	var b strings.Builder
	b.WriteString("# Access keys of the dev world. Each is a secret.\naccounts:\n")
	account := ""
	for _, owner := range devOwners {
		var random [10 + 30]byte
		if _, err := io.ReadFull(rand, random[:]); err != nil {
			return nil, fmt.Errorf("making access keys for the dev world: %w", err)
		}
		if owner.account != account {
			account = owner.account
			fmt.Fprintf(&b, "  %q:\n    access-keys:\n", account)
		}
		id := "AKIA" + base32.StdEncoding.EncodeToString(random[:10])
		secret := base64.StdEncoding.EncodeToString(random[10:])
		fmt.Fprintf(&b, "      %s: {owner: user/%s, secret: %q}\n", id, owner.user, secret)
	}
	return []byte(b.String()), nil
}
