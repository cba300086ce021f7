package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWatchedCasesAreDecidedAgainWhenAFileChanges(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("world.yaml", "accounts: {\"111122223333\": {users: {bob: {}}, keys: {payroll: {}}}}\n")
	write("x.cases", "deny user/bob kms:Decrypt key/payroll\n")
	p := launch(t, dir, "keyreeve", "test", "x.cases", "--watch")
	p.await(p.Out, "1 case: all as expected")
	p.await(p.Out, "watching x.cases")

	write("x.cases", "allow user/bob kms:Decrypt key/payroll\n")
	p.await(p.Out, "x.cases changed")
	p.await(p.Out, "1 of 1 case failed")

	write("world.yaml", "acounts: {}\n")
	p.await(p.Out, "world.yaml changed")
	p.await(p.Out, "1 line or world could not be decided")

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGINT))
	assert.Zero(t, p.wait(), "an interrupt is how watching ends")
	assert.Empty(t, p.Err.String())
}
