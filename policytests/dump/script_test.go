package dump_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/policytests/dump"
)

// standIn answers as the AWS CLI does, from the files of a dump.
const standIn = `#!/usr/bin/env bash
set -eu
at() { if [ -s "$ANSWERS/$1" ]; then cat "$ANSWERS/$1"; else echo "An error occurred (AccessDenied)" >&2; exit 254; fi; }
call="$1 $2"
id() { while [ $# -gt 0 ]; do case $1 in --key-id|--policy-id|--child-id|--account-id|--organizational-unit-id|--parent-id) echo "$2"; return;; esac; shift; done; }
region() { while [ $# -gt 0 ]; do case $1 in --region) echo "$2"; return;; esac; shift; done; }
case "$call" in
"kms list-keys") ls "$ANSWERS/kms/$(region "$@")" 2> /dev/null || true;;
"kms "*) at "kms/$(region "$@")/$(id "$@")/$2.json";;
"iam "*) at "iam/$2.json";;
"ec2 "*) at "ec2/$(region "$@")/$2.json";;
"organizations list-roots") case "$*" in *--query*) echo r-ab12;; *) at organizations/list-roots.json;; esac;;
"organizations list-accounts-for-parent") if [ "$(id "$@")" = ou-ab12-engineer ]; then echo 111122223333; fi;;
"organizations list-organizational-units-for-parent") if [ "$(id "$@")" = r-ab12 ]; then echo ou-ab12-engineer; fi;;
"organizations list-policies") case "$*" in *SERVICE_CONTROL*) printf 'p-FullAWSAccess\tp-11111111\n';; *) echo p-22222222;; esac;;
"organizations describe-organization") at "organizations/$2.json";;
"organizations "*) at "organizations/$(id "$@")/$2.json";;
*) echo "what is aws $*?" >&2; exit 2;;
esac
`

func TestScriptMakesTheDumpThatIsRead(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	dir := t.TempDir()
	answers, bin, to := filepath.Join(dir, "answers"), filepath.Join(dir, "bin"), filepath.Join(dir, "dump")
	a, err := txtar.ParseFile("testdata/acme.txtar")
	require.NoError(t, err)
	for _, f := range a.Files {
		name := filepath.Join(answers, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, f.Data, 0o644))
	}
	require.NoError(t, os.Mkdir(bin, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "aws"), []byte(standIn), 0o755))

	run := exec.CommandContext(t.Context(), bash, "../../examples/aws-dump/dump.sh", to, "us-east-1", "eu-west-1")
	run.Env = append(os.Environ(), "ANSWERS="+answers, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := run.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Contains(t, string(out), "not read: aws kms get-key-policy --region us-east-1 --key-id 22222222-2222-4222-8222-222222222222")

	c, err := dump.Read(to)
	require.NoError(t, err)
	got := load(t, c)
	want := load(t, contents(t, "acme.txtar"))
	assert.Equal(t, want.Digest(), got.Digest())
	info, err := os.Stat(filepath.Join(to, "iam", "get-account-authorization-details.json"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
