package instance

import (
	"errors"
	"io/fs"
	"os"

	"gopkg.in/natefinch/lumberjack.v2"
)

// endLine ends the last line of a log, which a process that was killed may not
// have finished, so that the next one stands by itself.
func endLine(log *lumberjack.Logger) error {
	file, err := os.Open(log.Filename)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was read only
	info, err := file.Stat()
	if err != nil || info.Size() == 0 || !info.Mode().IsRegular() {
		return err
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = log.Write([]byte{'\n'})
	return err
}
