package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The file of a root key is one line of text, so that it can be printed and
// typed in again:
//
//	keyreeve-root-key-1:<64 hexadecimal digits>:<16 hexadecimal digits>\n
//	                    the key                 first 8 bytes of SHA-256 of what precedes
const (
	rootFilePrefix = "keyreeve-root-key-1:"
	rootSumSize    = 8
	rootFileSize   = len(rootFilePrefix) + 2*SecretSize + 1 + 2*rootSumSize + 1
	rootFileMode   = 0o600
)

// CreateRootKey makes a root key of 32 bytes of rand and its file, readable by
// the owner only. When it returns, file and directory entry are on disk. It
// refuses to replace a file (fs.ErrExist). The key keeps rand for what it seals.
func CreateRootKey(path string, rand io.Reader) (*RootKey, error) {
	if rand == nil {
		return nil, errors.New("creating a root key without a source of randomness")
	}
	secret := make([]byte, SecretSize)
	if _, err := io.ReadFull(rand, secret); err != nil {
		return nil, fmt.Errorf("reading randomness for the root key: %w", err)
	}
	key, err := newRootKey(NewSecret(secret), rand)
	if err != nil {
		return nil, err
	}
	if err := writeNew(path, encodeRootKey(secret)); err != nil {
		return nil, fmt.Errorf("creating the root key file: %w", err)
	}
	return key, nil
}

// LoadRootKey reads the file that CreateRootKey made. It refuses a file that
// anyone but its owner may read or write, and one that is not whole.
func LoadRootKey(path string) (*RootKey, error) {
	f, err := os.Open(path) // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("opening the root key file: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("inspecting the root key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the root key file %s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&^rootFileMode != 0 {
		return nil, fmt.Errorf("the root key file %s has mode %04o, so that others than its owner can use it: "+
			"run `chmod 600 %s`, and find out who has read it", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, int64(rootFileSize)+1))
	if err != nil {
		return nil, fmt.Errorf("reading the root key file: %w", err)
	}
	secret, err := decodeRootKey(text)
	if err != nil {
		return nil, fmt.Errorf("the root key file %s %w: restore it from a backup; "+
			"without it nothing that it sealed can be read", path, err)
	}
	return newRootKey(NewSecret(secret), nil)
}

func encodeRootKey(secret []byte) []byte {
	text := hex.AppendEncode([]byte(rootFilePrefix), secret)
	sum := sha256.Sum256(text)
	text = append(text, ':')
	return append(hex.AppendEncode(text, sum[:rootSumSize]), '\n')
}

// decodeRootKey accepts only what encodeRootKey writes.
func decodeRootKey(text []byte) ([]byte, error) {
	if len(text) != rootFileSize {
		return nil, fmt.Errorf("does not have %d bytes", rootFileSize)
	}
	if !bytes.HasPrefix(text, []byte(rootFilePrefix)) {
		return nil, fmt.Errorf("does not begin with %q", rootFilePrefix)
	}
	secret := make([]byte, SecretSize)
	if _, err := hex.Decode(secret, text[len(rootFilePrefix):len(rootFilePrefix)+2*SecretSize]); err != nil {
		return nil, errors.New("has a key that is not hexadecimal") // err would quote a digit
	}
	if !NewSecret(encodeRootKey(secret)).Equal(NewSecret(text)) {
		return nil, errors.New("has a wrong checksum")
	}
	return secret, nil
}

// writeNew leaves either the whole file on disk or none, save for a crash while
// it writes: then the file is there and LoadRootKey finds it incomplete.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, rootFileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(rootFileMode), f.Sync(), f.Close()) // Chmod: the umask may have taken our own bits
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
