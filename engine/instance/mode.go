package instance

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
)

// CheckMode refuses a data directory in which others than its owner can
// replace what the service trusts, and warns of one that they can look into.
// One that does not exist yet is made for the owner alone.
func CheckMode(dir string, log *slog.Logger) error {
	info, err := os.Stat(dir)
	if runtime.GOOS == "windows" || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the data directory: %w", err)
	}
	switch mode := info.Mode().Perm(); {
	case mode&0o022 != 0:
		return fmt.Errorf("%s has mode %#o: others than its owner could replace root key and store; chmod 700 %s", dir, mode, dir)
	case mode&0o077 != 0:
		log.Warn("others than its owner can look into the data directory; 0700 is its mode", "data", dir, "mode", fmt.Sprintf("%#o", mode))
	}
	return nil
}
