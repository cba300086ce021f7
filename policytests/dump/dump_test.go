package dump_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/dump"
)

// contents reads a dump that lies in an archive.
func contents(t *testing.T, name string) *dump.Contents {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	fsys, err := txtar.FS(a)
	require.NoError(t, err)
	c, err := dump.ReadFS(fsys)
	require.NoError(t, err)
	return c
}

// load makes a world of what was told.
func load(t *testing.T, c *dump.Contents) *world.World {
	t.Helper()
	files, err := c.Files()
	require.NoError(t, err)
	a := &txtar.Archive{}
	for name, text := range files {
		a.Files = append(a.Files, txtar.File{Name: name, Data: text})
	}
	fsys, err := txtar.FS(a)
	require.NoError(t, err)
	w, err := world.LoadFS(fsys, nil)
	require.NoError(t, err, "%s", files["world.yaml"])
	return w
}

func TestDumpAnswersAsTheAccountDoes(t *testing.T) {
	w := load(t, contents(t, "acme.txtar"))
	engine, err := decision.New(decision.Config{})
	require.NoError(t, err)
	asker, err := policytests.NewAsker(policytests.Config{World: w, Engine: engine, Now: policytests.DefaultTime})
	require.NoError(t, err)
	for _, k := range w.Keys() {
		assert.Equal(t, map[bool]string{true: "us-east-1"}[k.MultiRegion], k.ReplicaOf, k.Name)
	}
	for request, want := range map[string]bool{
		"role/payroll kms:Decrypt alias/payroll kms:EncryptionContext:dept=finance": true,
		"role/payroll kms:Decrypt alias/payroll":                                    false,
		"user/bob kms:DescribeKey key/payroll":                                      true,
		"user/bob kms:ScheduleKeyDeletion key/payroll":                              false, // SCP
		"role/nightly kms:Decrypt key/payroll kms:EncryptionContext:dept=it":        true,  // grant
		"role/nightly kms:Decrypt key/payroll":                                      false,
		"user/ann kms:Encrypt key/payroll":                                          true, // group, AWS's policy
		"user/ann kms:Decrypt key/payroll via endpoint vpce-0123456789abcdef0":      false,
		"user/ann kms:Decrypt alias/aws/s3 via service s3.amazonaws.com":            true,
		"user/ann kms:Decrypt alias/aws/s3":                                         false,
		"role/Auditor@999988887777 kms:DescribeKey key/payroll":                     false, // nothing is known of it
	} {
		r, err := caseline.ParseRequest(request)
		require.NoError(t, err)
		d, err := asker.Ask(context.Background(), r, ".")
		require.NoError(t, err, request)
		assert.Equal(t, want, d.Allowed, request)
	}
}

func TestWhatIsNotKnownIsTold(t *testing.T) {
	c := contents(t, "acme.txtar")
	load(t, c)
	assert.Equal(t, []string{
		"iam/account.json is empty: what should stand there is not known",
		"kms/us-east-1/22222222-2222-4222-8222-222222222222/list-grants.json is empty: what should stand there is not known",
		"arn:aws:iam::111122223333:policy/gone is attached in account 111122223333, and its text is not known: it counts for nothing here",
		"AIDADELETEDDELETED01 is the id of a principal that was deleted: it is there as user/deleted-AIDADELETEDDELETED01, and nobody's",
		"the grants on key arn:aws:kms:eu-west-1:111122223333:key/mrk-44444444444444444444444444444444 are not known",
		"key arn:aws:kms:eu-west-1:111122223333:key/mrk-44444444444444444444444444444444 is Updating: it is there as Enabled",
		"arn:aws:iam::999988887777:role/audit/Auditor is named, and nothing is known of it: it is there without policies",
		"left out: key arn:aws:kms:us-east-1:111122223333:key/22222222-2222-4222-8222-222222222222, whose policy is not known",
	}, c.Notes)
}

func TestWorldHasAllThatWasTold(t *testing.T) {
	w := load(t, contents(t, "acme.txtar"))
	assert.Equal(t, []string{"eu-west-1", "us-east-1"}, w.Regions())
	require.Len(t, w.Keys(), 3)
	k := w.Keys()[2]
	assert.Equal(t, "payroll", k.Name)
	assert.Equal(t, "arn:aws:kms:us-east-1:111122223333:key/11111111-1111-4111-8111-111111111111", k.ARN)
	assert.Equal(t, map[string]string{"data": "salaries"}, k.Tags)
	assert.Equal(t, "Salaries", k.Description)
	assert.Equal(t, "hsm", w.Keys()[1].Name)
	assert.Equal(t, "RSA_2048", w.Keys()[1].Spec)
	o := w.Organization()
	require.NotNil(t, o)
	assert.Equal(t, "o-exampleorg/r-ab12/ou-ab12-engineer/", o.Path("111122223333"))
	assert.Equal(t, "777788889999", o.Management)
	levels := o.Levels("111122223333")
	require.Len(t, levels, 3)
	assert.Len(t, levels[1].SCP, 2)
	assert.Equal(t, "perimeter", levels[2].RCP[0].Name)
	p, known := w.Principal("arn:aws:iam::111122223333:user/staff/ann")
	require.True(t, known)
	assert.Equal(t, "AIDAANNANNANNANN1", p.PrincipalID())
}

func TestFilesAreTheSameEachTime(t *testing.T) {
	first, err := contents(t, "acme.txtar").Files()
	require.NoError(t, err)
	second, err := contents(t, "acme.txtar").Files()
	require.NoError(t, err)
	assert.Equal(t, first, second)
}

func TestWhatIsNoDumpIsRefused(t *testing.T) {
	_, err := dump.Read(t.TempDir())
	require.EqualError(t, err, "reading the dump: there is no account and no key in it")
	_, err = dump.Read(filepath.Join(t.TempDir(), "absent"))
	require.Error(t, err)
}

// FuzzRead: whatever a file of a dump holds, reading it ends, and what can be
// read makes a world or says why not.
func FuzzRead(f *testing.F) {
	a, err := txtar.ParseFile("testdata/acme.txtar")
	require.NoError(f, err)
	for _, file := range a.Files {
		f.Add(file.Data)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fsys, err := txtar.FS(&txtar.Archive{Files: []txtar.File{{Name: "a/x.json", Data: text}, {Name: "a/y.json", Data: text}}})
		require.NoError(t, err)
		c, err := dump.ReadFS(fsys)
		if err != nil {
			return
		}
		_, err = c.Files()
		require.NoError(t, err)
	})
}
