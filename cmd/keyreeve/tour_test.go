package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/crypto/testtool"
)

// TestToursAreComplete runs the tours of examples/ with the clients that are
// fast and there. .ci/smoke also runs the one with the AWS CLI, and all of
// them over TLS.
func TestToursAreComplete(t *testing.T) {
	p := serve(t, t.TempDir(), "--dev")
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	env = append(env, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	for name, value := range p.Env {
		env = append(env, name+"="+value)
	}
	for _, tour := range []struct {
		client  string
		present []string // command that fails where the client is absent
		command []string
	}{
		{"the AWS SDK for Go", nil, []string{"go", "run", "./examples/tour"}},
		{"boto3", []string{"python3", "-c", "import boto3"}, []string{"python3", "examples/tour/tour.py"}},
	} {
		t.Run(tour.client, func(t *testing.T) {
			if tour.present != nil {
				testtool.Client(t, tour.present...)
			}
			c := exec.CommandContext(t.Context(), tour.command[0], tour.command[1:]...)
			c.Dir, c.Env = "../..", env
			text, err := c.CombinedOutput()
			assert.NoError(t, err, "%s", text)
			assert.Contains(t, string(text), "the tour with "+tour.client+" is complete")
		})
	}
}
