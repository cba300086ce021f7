package lsp_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/lsp"
)

func TestShutdownThenExitIsFine(t *testing.T) {
	c := started(t)
	c.call("shutdown", nil, nil)
	assert.Error(t, c.conn.Call(c.ctx, "textDocument/hover", place("file:///a.json", position{}), nil), "after shutdown nothing is served")
	c.notify("exit", nil)
	assert.NoError(t, <-c.served)
}

func TestExitWithoutShutdownIsAnError(t *testing.T) {
	c := started(t)
	c.notify("exit", nil)
	assert.ErrorIs(t, <-c.served, lsp.ErrNoShutdown)

	c = started(t)
	require.NoError(t, c.conn.Close())
	assert.ErrorIs(t, <-c.served, lsp.ErrNoShutdown, "a client that goes away")
}

func TestNothingIsServedBeforeInitialize(t *testing.T) {
	c := connect(t)
	assert.ErrorContains(t, c.conn.Call(c.ctx, "textDocument/hover", place("file:///a.json", position{}), nil), "initialize")
	c.call("initialize", map[string]any{}, nil)
	assert.Error(t, c.conn.Call(c.ctx, "initialize", map[string]any{}, nil), "twice")
	assert.ErrorContains(t, c.conn.Call(c.ctx, "textDocument/rename", map[string]any{}, nil), "no method")
	assert.ErrorContains(t, c.conn.Call(c.ctx, "textDocument/hover", []int{1}, nil), "parameters")
}

func TestDiagnosticsFollowWhatIsTyped(t *testing.T) {
	c := started(t)
	dir := payroll(t)
	uri := c.open(filepath.Join(dir, "payroll.key.json"))
	assert.Empty(t, c.diagnostics(uri, 1).Diagnostics)

	c.change(uri, 2, strings.Replace(keyJSON, `"kms:GenerateDataKey"`, `"kms:GenerateDateKey"`, 1))
	d := c.diagnostics(uri, 2)
	require.NotEmpty(t, d.Diagnostics)
	assert.Equal(t, at(t, keyJSON, `"kms:Decrypt", `), d.Diagnostics[0].Range.Start, "%v", d.codes())
	assert.Equal(t, "keyreeve lint", d.Diagnostics[0].Source)

	c.change(uri, 3, strings.Replace(keyJSON, `"AWS": "arn:aws:iam::111122223333:role/payroll"`, `"AWS": "*"`, 1))
	d = c.diagnostics(uri, 3)
	assert.Contains(t, d.codes(), "KR_PUBLIC_KEY")

	c.change(uri, 4, `{"Version": "2012-10-17", "Statement": [`)
	assert.Contains(t, c.diagnostics(uri, 4).codes(), "JSON_SYNTAX_ERROR")

	c.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": uri, "version": 5}, "contentChanges": []any{
		map[string]any{"text": keyJSON}, map[string]any{"range": span{at(t, keyJSON, `kms:GenerateD`), at(t, keyJSON, `kms:GenerateDa`)}, "text": "u"},
	}})
	d = c.diagnostics(uri, 5)
	require.NotEmpty(t, d.Diagnostics)
	assert.Contains(t, d.Diagnostics[0].Message, "kms:GenerateDutaKey", "an edit of a part")

	c.notify("textDocument/didClose", document(uri))
	c.await(uri, func(p published) bool { return len(p.Diagnostics) == 0 })
}

func TestPoliciesInWorldsAndArchives(t *testing.T) {
	c := started(t)
	inline := strings.Replace(worldYAML, "policy: payroll.key.json", `policy: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: "*", Action: "kms:*", Resource: "*"}]}`, 1)
	dir := write(t, map[string]string{
		"w/world.yaml": inline, "w/trust.json": trustJSON,
		"a.txtar": "-- world.yaml --\n" + worldYAML + "-- trust.json --\n" + trustJSON + "\n-- payroll.key.json --\n" + strings.Replace(keyJSON, "GenerateDataKey", "GenerateDateKey", 1) +
			"-- p.cases --\nallow user/bob kms:Encrypt key/payroll\n",
		"loose.yaml": "a: 1\n",
	})
	assert.Contains(t, c.diagnostics(c.open(filepath.Join(dir, "w", "world.yaml")), 1).codes(), "KR_PUBLIC_KEY")
	archive := c.diagnostics(c.open(filepath.Join(dir, "a.txtar")), 1)
	assert.NotEmpty(t, archive.Diagnostics)
	assert.Condition(t, func() bool {
		for _, d := range archive.Diagnostics {
			if d.Source == "keyreeve test" && strings.Contains(d.Message, "wanted allow, got deny") {
				return true
			}
		}
		return false
	}, "%v", archive)
	assert.Empty(t, c.diagnostics(c.open(filepath.Join(dir, "loose.yaml")), 1).Diagnostics, "not every YAML is a policy")
}

func TestCasesAreDecidedWithWhatIsNotSaved(t *testing.T) {
	c := started(t)
	dir := payroll(t)
	cases := c.open(filepath.Join(dir, "payroll.cases"))
	d := c.diagnostics(cases, 1)
	require.Len(t, d.Diagnostics, 1)
	assert.Equal(t, 3, d.Diagnostics[0].Range.Start.Line)
	assert.Contains(t, d.Diagnostics[0].Message, "wanted allow, got deny")

	policy := c.open(filepath.Join(dir, "payroll.key.json"), strings.Replace(keyJSON, ":role/payroll", ":user/bob", 1))
	d = c.await(cases, func(p published) bool { return len(p.Diagnostics) == 2 })
	assert.Equal(t, 1, d.Diagnostics[0].Range.Start.Line, "the role may no more")
	c.change(policy, 2, keyJSON)
	c.await(cases, func(p published) bool { return len(p.Diagnostics) == 1 })

	c.change(cases, 2, "allow role/parole kms:Decrypt key/payroll\n")
	assert.Contains(t, c.diagnostics(cases, 2).Diagnostics[0].Message, "did you mean")

	var lenses []struct {
		Range   span
		Command struct {
			Title, Command string
			Arguments      []any
		}
	}
	c.change(cases, 3, casesText)
	c.call("textDocument/codeLens", document(cases), &lenses)
	require.Len(t, lenses, 3)
	assert.Equal(t, "✓ passed · run test", lenses[0].Command.Title)
	assert.Contains(t, lenses[2].Command.Title, "✗ wanted allow, got deny")
	var said string
	c.call("workspace/executeCommand", map[string]any{"command": lenses[2].Command.Command, "arguments": lenses[2].Command.Arguments}, &said)
	assert.Contains(t, said, "FAILED: allow user/bob kms:Decrypt key/payroll")
}

func TestLensesSayWhoMayUseAKey(t *testing.T) {
	c := started(t)
	uri := c.open(filepath.Join(payroll(t), "payroll.key.json"))
	var lenses []struct {
		Command struct {
			Title, Command string
			Arguments      []any
		}
	}
	c.call("textDocument/codeLens", document(uri), &lenses)
	require.Len(t, lenses, 2)
	assert.Equal(t, "2 principals may Decrypt key/payroll: root, role/payroll", lenses[0].Command.Title)
	var said string
	c.call("workspace/executeCommand", map[string]any{"command": lenses[0].Command.Command, "arguments": lenses[0].Command.Arguments}, &said)
	assert.Contains(t, said, "kms:EncryptionContext:dept is finance")
	assert.Error(t, c.conn.Call(c.ctx, "workspace/executeCommand", map[string]any{"command": "rm", "arguments": []any{}}, nil))
	assert.Error(t, c.conn.Call(c.ctx, "workspace/executeCommand", map[string]any{"command": "keyreeve.test", "arguments": []any{uri}}, nil))
}

func TestFixesAndSettingAside(t *testing.T) {
	c := started(t)
	dir := write(t, map[string]string{".git/HEAD": "", "p/a.key.json": strings.Replace(keyJSON, `kms:GenerateDataKey"`, `kms:GenerateDateKey"`, 1)})
	name := filepath.Join(dir, "p", "a.key.json")
	uri := c.open(name)
	d := c.diagnostics(uri, 1)
	require.NotEmpty(t, d.Diagnostics)

	type edit struct {
		Range   span
		NewText string
	}
	var actions []struct {
		Title string
		Edit  struct {
			Changes         map[string][]edit
			DocumentChanges []struct {
				Kind, URI string
				Edits     []edit
			}
		}
	}
	ask := map[string]any{"textDocument": map[string]any{"uri": uri}, "range": d.Diagnostics[0].Range, "context": map[string]any{"diagnostics": []any{}}}
	c.call("textDocument/codeAction", ask, &actions)
	require.Len(t, actions, 2, "%v", d)
	require.Len(t, actions[0].Edit.Changes[uri], 1)
	assert.Contains(t, actions[0].Edit.Changes[uri][0].NewText, "kms:GenerateDataKey")
	aside := actions[1].Edit.DocumentChanges
	require.Len(t, aside, 2)
	assert.Equal(t, "create", aside[0].Kind)
	assert.True(t, strings.HasSuffix(aside[0].URI, "/.keyreeve-lint.yaml"))
	assert.Equal(t, "version: 1\nignore:\n  - rules: ["+d.Diagnostics[0].Code+"]\n    files: \"p/a.key.json\"\n    reason: \"\"\n    expires: 2027-02-22\n", aside[1].Edits[0].NewText)

	config := c.open(filepath.Join(dir, ".keyreeve-lint.yaml"), aside[1].Edits[0].NewText)
	refused := c.diagnostics(config, 1)
	require.NotEmpty(t, refused.Diagnostics)
	assert.Contains(t, refused.Diagnostics[0].Message, "reason", "the author is told where to write one")
	c.call("textDocument/codeAction", ask, &actions)
	require.Len(t, actions, 2)
	more := actions[1].Edit.Changes[config]
	require.Len(t, more, 1, "an entry is added to what is open")
	assert.Equal(t, position{6, 0}, more[0].Range.Start)
	assert.True(t, strings.HasPrefix(more[0].NewText, "  - rules:"))
}

func TestHover(t *testing.T) {
	c := started(t)
	dir := payroll(t)
	uri := c.open(filepath.Join(dir, "payroll.key.json"))
	says := func(uri, text, before string) string {
		var h struct{ Contents struct{ Value string } }
		c.call("textDocument/hover", place(uri, at(t, text, before)), &h)
		return h.Contents.Value
	}
	assert.Contains(t, says(uri, keyJSON, `"kms:Dec`), "Condition keys besides the global ones")
	assert.Contains(t, says(uri, keyJSON, `"kms:*`), "actions")
	assert.Contains(t, says(uri, keyJSON, `"StringEq`), "Does not hold if the key is absent")
	assert.Contains(t, says(uri, keyJSON, `"kms:EncryptionC`), "In requests for")
	assert.Contains(t, says(uri, keyJSON, `role/pay`), "111122223333 (acme)")
	assert.Empty(t, says(uri, keyJSON, `"Sid`))
	cases := c.open(filepath.Join(dir, "payroll.cases"))
	assert.Contains(t, says(cases, casesText, `key/pay`), "alias/payroll")
	assert.Contains(t, says(cases, casesText, `user/b`), "arn:aws:iam::111122223333:user/bob")
	assert.Contains(t, says(cases, casesText, `kms:EncryptionContext:de`), "kms:EncryptionContext:")
}

func TestCompletion(t *testing.T) {
	c := started(t)
	dir := payroll(t)
	uri := c.open(filepath.Join(dir, "payroll.key.json"))
	cases := c.open(filepath.Join(dir, "payroll.cases"))
	version := 1
	offered := func(uri, text string) []string {
		t.Helper()
		before, after, found := strings.Cut(text, "¦")
		require.True(t, found)
		version++
		c.change(uri, version, before+after)
		var list struct {
			Items []struct{ Label string }
		}
		c.call("textDocument/completion", place(uri, at(t, before, before)), &list)
		var all []string
		for _, i := range list.Items {
			all = append(all, i.Label)
		}
		return all
	}
	statement := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["kms:Sign", "kms:Verify"], "Resource": "*", `
	rows := map[string]struct {
		text      string
		has, lack []string
	}{
		"actions":                   {`{"Statement": [{"Action": ["kms:Dec¦`, []string{"kms:Decrypt", "kms:*"}, []string{"sts:AssumeRole"}},
		"an action without quotes":  {`{"Statement": [{"Action": ¦}]}`, []string{"kms:Decrypt"}, nil},
		"effects":                   {`{"Statement": [{"Effect": "¦"}]}`, []string{"Allow", "Deny"}, []string{"kms:Decrypt"}},
		"elements not there yet":    {`{"Statement": [{"Effect": "Allow", "¦"}]}`, []string{"Action", "Principal"}, []string{"Effect"}},
		"members of a policy":       {`{"¦`, []string{"Statement"}, nil},
		"keys of the action":        {statement + `"Condition": {"StringEquals": {"¦`, []string{"kms:MessageType", "aws:PrincipalOrgID"}, []string{"kms:EncryptionContext:", "kms:GrantOperations"}},
		"keys before the action":    {`{"Statement": [{"Condition": {"StringEquals": {"¦"}}, "Action": "kms:Sign"}]}`, []string{"kms:MessageType"}, []string{"kms:EncryptionContext:"}},
		"keys that fit an operator": {statement + `"Condition": {"Bool": {"¦`, []string{"aws:SecureTransport"}, []string{"kms:MessageType"}},
		"operators":                 {statement + `"Condition": {"¦`, []string{"StringEquals", "Null"}, []string{"Allow"}},
		"values of a truth":         {statement + `"Condition": {"Bool": {"aws:SecureTransport": "¦`, []string{"true", "false"}, nil},
		"services":                  {statement + `"Condition": {"StringEquals": {"kms:ViaService": ["¦`, []string{"s3.us-east-1.amazonaws.com"}, nil},
		"principals of the world":   {`{"Statement": [{"Principal": {"AWS": ["¦`, []string{"arn:aws:iam::111122223333:role/payroll", "arn:aws:iam::111122223333:root"}, nil},
		"types of principals":       {`{"Statement": [{"Principal": {"¦`, []string{"AWS", "Service"}, nil},
	}
	for what, row := range rows {
		all := offered(uri, row.text)
		assert.Subset(t, all, row.has, what)
		for _, lack := range row.lack {
			assert.NotContains(t, all, lack, what)
		}
	}
	assert.Subset(t, offered(cases, "¦"), []string{"allow", "deny", "given"})
	assert.Subset(t, offered(cases, "allow ¦"), []string{"role/payroll", "user/bob", "root@acme"})
	assert.Subset(t, offered(cases, "allow role/payroll kms:De¦"), []string{"kms:Decrypt"})
	assert.Subset(t, offered(cases, "allow role/payroll kms:Decrypt ¦"), []string{"key/payroll", "alias/payroll"})
	keys := offered(cases, "allow role/payroll kms:Sign\n  key/payroll ¦")
	assert.Subset(t, keys, []string{"kms:MessageType=", "via"})
	assert.NotContains(t, keys, "kms:EncryptionContext:")
}

func TestSymbolsAndFormatting(t *testing.T) {
	c := started(t)
	dir := payroll(t)
	uri := c.open(filepath.Join(dir, "payroll.key.json"))
	var symbols []struct{ Name, Detail string }
	c.call("textDocument/documentSymbol", document(uri), &symbols)
	require.Len(t, symbols, 2)
	assert.Equal(t, "Use", symbols[1].Name)
	assert.Equal(t, "Allow kms:Decrypt, kms:GenerateDataKey", symbols[1].Detail)
	c.call("textDocument/documentSymbol", document(c.open(filepath.Join(dir, "payroll.cases"))), &symbols)
	require.Len(t, symbols, 1)
	assert.Equal(t, "Payroll", symbols[0].Name)

	var edits []struct {
		Range   span
		NewText string
	}
	c.change(uri, 2, strings.ReplaceAll(keyJSON, "  ", ""))
	c.call("textDocument/formatting", document(uri), &edits)
	require.Len(t, edits, 1)
	laid := edits[0].NewText
	c.change(uri, 3, laid)
	c.call("textDocument/formatting", document(uri), &edits)
	assert.Empty(t, edits, "%s", laid)
	c.change(uri, 4, "{")
	c.call("textDocument/formatting", document(uri), &edits)
	assert.Empty(t, edits)
}
