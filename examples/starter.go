package examples

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed all:starter
var starter embed.FS

// workflow is where GitHub finds it, from the root of a repository.
const workflow = ".github/workflows/policies.yaml"

// WriteStarter writes the world that people start from, with its cases and a
// workflow that checks them, to a directory, which it makes if need be, and
// answers with the names of the files, from that directory. The workflow goes
// to the root of the repository, and works in the directory; root is empty if
// there is no repository around it. If one of the files is there already nothing
// is written, and the error is fs.ErrExist.
func WriteStarter(dir, root string) ([]string, error) {
	files, err := fs.Sub(starter, "starter")
	if err != nil {
		return nil, err
	}
	up, down, err := between(dir, root)
	if err != nil {
		return nil, err
	}
	var names, taken []string
	texts := map[string][]byte{}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if name == workflow && up != "" {
			name, text = path.Join(up, name), inDirectory(text, down)
		}
		names, texts[name] = append(names, name), text
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			taken = append(taken, name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(taken) > 0 {
		return nil, fmt.Errorf("in %s: %s: %w", dir, strings.Join(taken, ", "), fs.ErrExist)
	}
	for _, name := range names {
		if err := writeNew(filepath.Join(dir, filepath.FromSlash(name)), texts[name]); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// between is the way from a directory up to the root of its repository, and the
// way back, wherever the process stands; both are empty if the directory is that
// root, or in no repository.
func between(dir, root string) (up, down string, err error) {
	if root == "" {
		return "", "", nil
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", "", err
	}
	if root, err = filepath.Abs(root); err != nil || dir == root {
		return "", "", err
	}
	if up, err = filepath.Rel(dir, root); err != nil {
		return "", "", err
	}
	down, err = filepath.Rel(root, dir)
	return filepath.ToSlash(up), filepath.ToSlash(down), err
}

// inDirectory makes a workflow work in a directory of its repository.
func inDirectory(text []byte, name string) []byte {
	r := strings.NewReplacer(
		"    runs-on: ubuntu-latest\n", "    runs-on: ubuntu-latest\n    defaults: {run: {working-directory: "+strconv.Quote(name)+"}}\n",
		"sarif_file: reports/lint.sarif", "sarif_file: "+strconv.Quote(name+"/reports/lint.sarif"))
	return []byte(r.Replace(string(text)))
}

// writeNew makes a file that others may read, as policies are no secrets.
func writeNew(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
