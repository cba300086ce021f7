// Package testtool finds the programs that tests hold the product against.
package testtool

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of a program that a test cannot do without. In CI,
// which can install it, its absence is a failure; elsewhere the test is skipped.
func Need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		CannotRun(t, program+" is not installed")
	}
	return path
}

// Client skips a test with a client of AWS, aloud, where command fails, which
// shows whether the client is there. That is no failure in CI, which has no
// source of a version that the tests can use (README).
func Client(t testing.TB, command ...string) {
	t.Helper()
	if exec.CommandContext(t.Context(), command[0], command[1:]...).Run() != nil {
		fmt.Fprintf(os.Stderr, "NOT TESTED: %s: %v does not work here\n", t.Name(), command)
		t.Skipf("%v does not work here", command)
	}
}

// CannotRun ends a test that the machine has no means for: as a failure in CI,
// and never in silence.
func CannotRun(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("cannot run: %s", why)
	}
	fmt.Fprintf(os.Stderr, "NOT TESTED: %s: %s\n", t.Name(), why)
	t.Skip(why)
}
