package repl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/repl"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
)

// world writes the world of a test to disk, and returns where it is.
func world(t *testing.T) string {
	t.Helper()
	a, err := txtar.ParseFile("testdata/world.txtar")
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "world")
	for _, f := range a.Files {
		name := filepath.Join(dir, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, f.Data, 0o644))
	}
	return dir
}

// engine is shared by the sessions of these tests, as making one takes long.
var engine = sync.OnceValues(func() (*decision.Engine, error) {
	return decision.New(decision.Config{Cache: true, Limit: decision.PatientLimit})
})

// begin begins a session that shares the engine.
func begin(t testing.TB, cfg repl.Config) *repl.Session {
	t.Helper()
	var err error
	cfg.Engine, err = engine()
	require.NoError(t, err)
	s, err := repl.New(cfg)
	require.NoError(t, err)
	return s
}

// open begins a session on a world of its own.
func open(t *testing.T) (*repl.Session, string) {
	t.Helper()
	dir := world(t)
	d, err := draft.Read(dir)
	require.NoError(t, err)
	return begin(t, repl.Config{Draft: d, Path: dir, Clock: func() time.Time { return time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC) }}), dir
}

// say has commands carried out, and returns the answer to the last.
func say(t *testing.T, s *repl.Session, commands ...string) repl.Answer {
	t.Helper()
	var last repl.Answer
	for _, c := range commands {
		a, err := s.Eval(t.Context(), c)
		require.NoError(t, err, c)
		last = a
	}
	return last
}

// refused has a command that makes no sense carried out, and returns what is
// said of it.
func refused(t *testing.T, s *repl.Session, command string) string {
	t.Helper()
	_, err := s.Eval(t.Context(), command)
	var m *repl.Misuse
	require.ErrorAs(t, err, &m, command)
	return err.Error()
}

func TestRequestsAreFilledUpFromTheScene(t *testing.T) {
	s, _ := open(t)
	for _, row := range []struct{ commands, request string }{
		{"can role/payroll kms:Decrypt key/payroll", "role/payroll kms:Decrypt key/payroll"},
		{"as role/payroll; can kms:Decrypt key/payroll", "role/payroll kms:Decrypt key/payroll"},
		{"as role/payroll; do kms:Decrypt; on key/payroll; can", "role/payroll kms:Decrypt key/payroll"},
		{"as role/payroll; do kms:Decrypt; on key/payroll; can user/bob", "user/bob kms:Decrypt key/payroll"},
		{"as role/payroll; do kms:Decrypt; on key/payroll; can key/other", "role/payroll kms:Decrypt key/other"},
		{"as role/payroll; on key/payroll; can kms:ListKeys", "role/payroll kms:ListKeys"},
		{"as role/payroll session nightly with tag a=b; can kms:Decrypt key/payroll", "role/payroll kms:Decrypt key/payroll session nightly with tag a=b"},
		{"as role/payroll session nightly; can kms:Decrypt key/payroll session daily", "role/payroll kms:Decrypt key/payroll session daily"},
		{"as role/payroll session nightly; can user/bob kms:Decrypt key/payroll", "user/bob kms:Decrypt key/payroll"},
		{"as role/payroll; at 2026-02-03; in us-east-1; can kms:Decrypt key/payroll", "role/payroll kms:Decrypt key/payroll at 2026-02-03 in us-east-1"},
		{"as role/payroll; at 2026-02-03; can kms:Decrypt key/payroll at 2026-02-04", "role/payroll kms:Decrypt key/payroll at 2026-02-04"},
		{"at now; can user/bob kms:Decrypt key/payroll", "user/bob kms:Decrypt key/payroll at 2026-11-23T09:30:00Z"},
		{"via endpoint vpce-0123456789abcdef0; can user/bob kms:Decrypt key/payroll", "user/bob kms:Decrypt key/payroll via endpoint vpce-0123456789abcdef0"},
		{"set kms:EncryptionContext:a=b !aws:SourceIp; can user/bob kms:Decrypt key/payroll",
			"user/bob kms:Decrypt key/payroll kms:EncryptionContext:a=b !aws:SourceIp"},
		{"set kms:EncryptionContext:a=b; can user/bob kms:Decrypt key/payroll kms:EncryptionContext:a=c", "user/bob kms:Decrypt key/payroll kms:EncryptionContext:a=c"},
		{"set kms:EncryptionContext:a=b; set kms:EncryptionContext:a=c; can user/bob kms:Decrypt key/payroll", "user/bob kms:Decrypt key/payroll kms:EncryptionContext:a=c"},
		{"set kms:EncryptionContext:a=b; can user/bob kms:ListKeys", "user/bob kms:ListKeys"},
		{"set aws:UserAgent=x; unset *; can user/bob kms:ListKeys", "user/bob kms:ListKeys"},
	} {
		commands := append([]string{"reset"}, repl.Split(row.commands)...)
		assert.Equal(t, row.request, say(t, s, commands...).Value.(repl.Verdicts).Request, row.commands)
	}
}

func TestWhatMakesNoSenseIsToldWhereItIsSaid(t *testing.T) {
	s, _ := open(t)
	for command, want := range map[string]string{
		"can kms:Decrypt key/payroll":                      "who asks?",
		"can user/bob":                                     "what is asked for?",
		"can user/bob kms:Decrypt":                         "kms:Decrypt is about a resource",
		"can user/bob Decrypt":                             "did you mean kms:Decrypt?",
		"can user/bbo kms:ListKeys":                        "there is no user/bbo in this world",
		"can user/bob kms:Decrypt key/payroll hello":       `unknown clause "hello"`,
		"can user/bob kms:Decrypt key/payroll because scp": "a question has no expectation",
		"cna user/bob":                                     "did you mean can?",
		"user/bob kms:Decrypt key/payroll":                 "a request begins with can",
		"as bob":                                           "bob is no principal",
		"as user/bbo":                                      "there is no user/bbo",
		"as user/bob via endpoint x":                       "say the rest with via, at, in and set",
		"as":                                               "as whom?",
		"do kms:Decript":                                   "did you mean kms:Decrypt?",
		"do":                                               "do what?",
		"on payroll":                                       "on which resource?",
		"via train x":                                      "via an endpoint or via a service",
		"via endpoint vpce-9":                              "there is no endpoint vpce-9",
		"at noon":                                          "a time is written",
		"in mars-1":                                        "does not have the Region mars-1",
		"set kms:EncriptionContextKeys=a":                  "did you mean kms:EncryptionContextKeys?",
		"set kms:EncryptionContext=a":                      "a name follows kms:EncryptionContext:",
		"set hello":                                        "no KEY=VALUE",
		"unset aws:SourceIp":                               "aws:SourceIp is not set",
		"grant user/bob":                                   "grant whom what?",
		"grant user/bob Decrypt":                           "on which key?",
		"grant user/bob Sign on key/payroll":               "Sign",
		"grant user/bob Decrypt on key/payroll colour red": "colour is nothing that a grant has",
		"grant user/bbo Decrypt on key/payroll":            "there is no user/bbo",
		"revoke nothing on key/payroll":                    "has no grant nothing",
		"off everything":                                   "there is no layer everything",
		"off resource":                                     "a key always has a key policy",
		"policy user/bob":                                  "add the name of one",
		"policy user/bob x":                                "there is no policy user/bob@111122223333 x",
		`policy user/bob x {"Version": "2012-10-17"}`:      "this is no identity policy:\n  line 1",
		"given session x":                                  "clauses of requests are said with as",
		"given tag a=b on key/none":                        "there is no key/none in this world",
		"edit key/payroll":                                 "edit needs a terminal",
		"undo":                                             "there is nothing to undo",
		"policy managed/Most none":                         "the world would be wrong with it",
		"save test":                                        "save test NAME",
		"save test ../../x user/bob kms:Decrypt key/payroll": "leads out of the world",
		"show colours":   "show what?",
		"show principal": "did you mean show principals?",
		"help cann":      "did you mean can?",
		":rego":          ":rego needs a terminal",
		":rego data.":    "",
		`policy key/payroll {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/x"}, "Action": "kms:*", "Resource": "*"}]}`: "does not exist in this world",
	} {
		assert.Contains(t, refused(t, s, command), want, command)
	}
	assert.Empty(t, say(t, s, "show changes").Value.(repl.Changed).Changes)
}

// allowed asks, and tells whether the answer is yes.
func allowed(t *testing.T, s *repl.Session, request string) bool {
	t.Helper()
	a := say(t, s, "can "+request)
	assert.Equal(t, a.No, !a.Value.(repl.Verdicts).Allowed)
	return !a.No
}

func TestChangesCountFromTheNextQuestionOnAndCanBeUndone(t *testing.T) {
	const deny = `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}`
	const everything = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}`
	s, _ := open(t)
	for _, row := range []struct {
		change, request string
		after           bool
	}{
		{"grant user/bob Encrypt on key/payroll", "user/bob kms:Encrypt key/payroll", true},
		{"grant late on key/payroll to user/bob for Encrypt subset a=b", "user/bob kms:Encrypt key/payroll kms:EncryptionContext:a=b", true},
		{"grant user/bob Encrypt on alias/payroll subset a=b", "user/bob kms:Encrypt key/payroll kms:EncryptionContext:a=b", true},
		{"revoke nightly on key/payroll", "role/night kms:Decrypt key/payroll kms:EncryptionContext:dept=finance", false},
		{"policy user/bob all " + everything, "user/bob kms:Encrypt key/payroll", true},
		{"policy role/payroll use " + deny, "role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=finance", false},
		{"policy role/payroll use none", "role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=finance", false},
		{"policy scp/no on ou-ab12-engineer " + deny, "role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=finance", false},
		{"given grant extra on key/payroll to user/bob for Encrypt", "user/bob kms:Encrypt key/payroll", true},
		{"given policy nobody.key.json on key/other", "user/bob kms:Decrypt key/other", false},
		{"off scp", "user/bob kms:ScheduleKeyDeletion key/other", true},
		{"off boundary", "user/bob kms:Sign key/signing", true},
		{"off identity", "role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=finance", false},
		{"off grant", "role/night kms:Decrypt key/payroll kms:EncryptionContext:dept=finance", false},
		{"off endpoint", "user/bob kms:Decrypt key/other via endpoint vpce-0123456789abcdef0", true},
		{"off session", "role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=finance with policy nothing.session.json", true},
	} {
		require.NotEqual(t, row.after, allowed(t, s, row.request), "before %s: %s", row.change, row.request)
		say(t, s, row.change)
		assert.Equal(t, row.after, allowed(t, s, row.request), "after %s: %s", row.change, row.request)
		say(t, s, "undo")
		assert.NotEqual(t, row.after, allowed(t, s, row.request), "undone %s: %s", row.change, row.request)
	}
}

func TestLayersAreSwitchedOnAgain(t *testing.T) {
	s, _ := open(t)
	say(t, s, "off scp rcp", "on rcp")
	assert.Equal(t, []string{"scp"}, say(t, s, "show").Value.(repl.Scene).Off)
	assert.Contains(t, say(t, s, "on scp").Text, "all layers are on")
	assert.Contains(t, say(t, s, "on scp").Text, "it was on")
}

func TestFilesOfTheSessionAreSessionPolicies(t *testing.T) {
	s, _ := open(t)
	say(t, s, `policy narrow.json {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}]}`,
		"as role/payroll with policy narrow.json")
	assert.False(t, allowed(t, s, "kms:Decrypt key/payroll kms:EncryptionContext:dept=finance"))
	say(t, s, "as role/payroll")
	assert.True(t, allowed(t, s, "kms:Decrypt key/payroll kms:EncryptionContext:dept=finance"))
}

func TestEverySaidThingHasAJSONForm(t *testing.T) {
	s, _ := open(t)
	for _, c := range []string{
		"can user/bob kms:Decrypt key/other", "why user/bob kms:Decrypt key/other", "show", "show accounts", "show principals", "show keys", "show aliases",
		"show grants", "show policies", "show endpoints", "show services", "show actions", "show condition-keys", "show condition-keys kms:Encrypt", "show layers",
		"show changes", "show policy key/payroll", "show policy key/other", "show rego key/payroll", "show rego role/payroll use", "help", "help can",
		"off scp", "undo", ":rego 1 + 1",
	} {
		a := say(t, s, c)
		assert.NotEmpty(t, a.Text, c)
		text, err := json.Marshal(a.Value)
		require.NoError(t, err, c)
		assert.NotEqual(t, "null", string(text), c)
	}
}

func TestExamplesOfTheHelpAreCommands(t *testing.T) {
	for _, h := range say(t, first(open(t)), "help").Value.([]repl.Help) {
		for _, e := range h.Examples {
			t.Run(e, func(t *testing.T) {
				s, dir := open(t)
				t.Chdir(dir) // for what they save
				_, err := s.Eval(t.Context(), e)
				if err == nil {
					return
				}
				for _, form := range []string{"there is no command", "is no principal", "unknown clause", "is nothing that", "is no place", "show what"} {
					assert.NotContains(t, err.Error(), form)
				}
			})
		}
	}
}

func first(s *repl.Session, _ string) *repl.Session { return s }

func TestReloadKeepsTheChangesThatStillFit(t *testing.T) {
	s, dir := open(t)
	say(t, s, "grant user/bob Encrypt on key/payroll name mine", "grant user/bob Decrypt on key/other name gone", "off rcp")
	text, err := os.ReadFile(filepath.Join(dir, "world.yaml"))
	require.NoError(t, err)
	changed := strings.Replace(string(text), "      other:", "      another:", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "world.yaml"), []byte(changed), 0o600))
	d, err := draft.Read(dir)
	require.NoError(t, err)

	note, err := s.Reload(d)
	require.NoError(t, err)
	assert.Contains(t, note, "dropped: grant")
	assert.True(t, allowed(t, s, "user/bob kms:Encrypt key/payroll"))
	assert.Contains(t, refused(t, s, "can user/bob kms:Decrypt key/other"), "there is no key/other")
	assert.Equal(t, []string{"rcp"}, say(t, s, "show").Value.(repl.Scene).Off)
	assert.Len(t, say(t, s, "show changes").Value.(repl.Changed).Changes, 1)

	_, err = s.Reload(draft.Of(map[string][]byte{"world.yaml": []byte("accounts: {}")}))
	require.Error(t, err)
	assert.True(t, allowed(t, s, "user/bob kms:Encrypt key/payroll"), "the world before is still there")
}

func TestTestsAreSavedInTheWorld(t *testing.T) {
	s, dir := open(t)
	a := say(t, s, "as role/payroll", "on key/payroll", "set kms:EncryptionContext:dept=finance", "save test payroll kms:Decrypt")
	line := "allow role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=finance because identity"
	assert.Equal(t, []string{line}, a.Value.(repl.Saved).Line)
	say(t, s, "save test payroll [kms:Encrypt, kms:Sign]")
	text, err := os.ReadFile(filepath.Join(dir, "payroll.cases"))
	require.NoError(t, err)
	assert.Equal(t, line+"\ndeny  role/payroll kms:Encrypt key/payroll kms:EncryptionContext:dept=finance because no-allow identity\n"+
		"deny  role/payroll kms:Sign key/payroll because no-allow identity\n", string(text))

	assert.Contains(t, say(t, s, "grant role/payroll Encrypt", "save test payroll kms:Encrypt").Text, "with the changes of this session only")
	assert.Contains(t, say(t, s, "save test payroll kms:Decrypt").Text, line)
	assert.Contains(t, refused(t, func() *repl.Session { say(t, s, "off scp"); return s }(), "save test payroll kms:Decrypt"), "layers are off")
}

func TestWhatIsGivenStandsAboveTheTest(t *testing.T) {
	s, dir := open(t)
	say(t, s, "given alias alias/pay on key/other", "save test given user/bob kms:Decrypt alias/pay")
	text, err := os.ReadFile(filepath.Join(dir, "given.cases"))
	require.NoError(t, err)
	assert.Equal(t, "given alias alias/pay on key/other\nallow user/bob kms:Decrypt alias/pay because identity\ngiven nothing\n", string(text))
	report, err := policytests.Run(t.Context(), []string{dir}, policytests.Options{})
	require.NoError(t, err)
	assert.Empty(t, report.Failed())

	assert.Contains(t, refused(t, s, "save world "+filepath.Join(t.TempDir(), "x")), "given nothing")
	assert.Contains(t, say(t, s, "show changes").Text, "given alias alias/pay")
	assert.Contains(t, say(t, s, "given nothing").Text, "given nothing")
	assert.Contains(t, refused(t, s, "can user/bob kms:Decrypt alias/pay"), "alias/pay")
}

func TestTestsAreSavedInAnArchive(t *testing.T) {
	text, err := os.ReadFile("testdata/world.txtar")
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "world.txtar")
	require.NoError(t, os.WriteFile(name, text, 0o640))
	d, err := draft.Read(name)
	require.NoError(t, err)
	s := begin(t, repl.Config{Draft: d, Path: name})
	say(t, s, "save test a user/bob kms:Decrypt key/other", "save test a user/bob kms:Encrypt key/payroll")
	a, err := txtar.ParseFile(name)
	require.NoError(t, err)
	last := a.Files[len(a.Files)-1]
	assert.Equal(t, "a.cases", last.Name)
	assert.Equal(t, 2, strings.Count(string(last.Data), "\n"))
	info, err := os.Stat(name)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode().Perm())
}

func TestWorldOnNoDiskIsSavedBeforeItsTests(t *testing.T) {
	d, err := draft.Read(world(t))
	require.NoError(t, err)
	s := begin(t, repl.Config{Draft: d})
	assert.Contains(t, refused(t, s, "save test a user/bob kms:Decrypt key/other"), "first: save world")
	to := filepath.Join(t.TempDir(), "kept")
	say(t, s, "save world "+to, "save test a user/bob kms:Decrypt key/other")
	assert.FileExists(t, filepath.Join(to, "a.cases"))
}

func TestWhatWasAskedLastIsSaved(t *testing.T) {
	s, dir := open(t)
	say(t, s, "can user/bob kms:Decrypt key/other", "save test last")
	assert.Contains(t, refused(t, s, "save test last kms:Decrypt"), "who asks?")
	say(t, s, "as role/payroll", "do kms:Decrypt", "on key/payroll", "can user/bob", "save test last", "as user/bob", "do kms:Sign", "save test last")
	text, err := os.ReadFile(filepath.Join(dir, "last.cases"))
	require.NoError(t, err)
	var requests []string
	for line := range strings.Lines(string(text)) {
		request, _, _ := strings.Cut(line, " because")
		requests = append(requests, strings.Join(strings.Fields(request)[1:], " "))
	}
	assert.Equal(t, []string{"user/bob kms:Decrypt key/other", "user/bob kms:Decrypt key/payroll", "user/bob kms:Sign key/payroll"}, requests)
}

func TestTheKeyOfTheSceneIsShown(t *testing.T) {
	s, _ := open(t)
	assert.NotEmpty(t, refused(t, s, "show rego"))
	assert.Equal(t, say(t, s, "show rego key/payroll").Text, say(t, s, "on key/payroll", "show rego").Text)
	assert.Equal(t, say(t, s, "show policy key/payroll").Text, say(t, s, "show policy").Text)
}

func TestBareShowTellsWhatElseThereIs(t *testing.T) {
	s, _ := open(t)
	assert.Contains(t, say(t, s, "show").Text, "show also lists accounts, principals, keys")
}
