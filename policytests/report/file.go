package report

import (
	"errors"
	"io/fs"
	"os"
)

// WriteFile writes a file so that it is there as a whole at any moment. A link
// of that name is replaced and not followed: it need not be of whoever asks for
// the file.
func WriteFile(name string, text []byte, mode fs.FileMode) error {
	unfinished := name + ".keyreeve-new"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(unfinished, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	return nil
}
