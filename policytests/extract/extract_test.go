package extract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// summary of what was found: a line for each policy, and what was not settled.
func summary(found *extract.Found) []string {
	var all []string
	for _, p := range found.Policies {
		kind := p.Kind.String()
		if p.Grants {
			kind = "grants"
		}
		all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s %s", p.Position(0).Line, kind, p.Name)))
	}
	for _, u := range found.Unsettled {
		all = append(all, "? "+u.Error())
	}
	for _, e := range found.Errors {
		all = append(all, "! "+e.Error())
	}
	return all
}

func read(t *testing.T, path string, o extract.Options) *extract.Found {
	t.Helper()
	found, err := extract.Paths([]string{path}, o)
	require.NoError(t, err)
	for _, p := range found.Policies {
		assert.True(t, json.Valid(p.Text), "%s is JSON: %s", p.Name, p.Text)
	}
	return found
}

// placeOf gives the bytes of the file where a stretch of a policy's text
// stands.
func placeOf(t *testing.T, p *extract.Policy, text string) string {
	t.Helper()
	at := bytes.Index(p.Text, []byte(text))
	require.GreaterOrEqual(t, at, 0, "%s in %s", text, p.Text)
	start, end := p.Range(at, at+len(text))
	return string(p.Source().Text[start.Offset:end.Offset])
}

func named(t *testing.T, found *extract.Found, name string) *extract.Policy {
	t.Helper()
	for _, p := range found.Policies {
		if p.Name == name {
			return p
		}
	}
	require.Fail(t, "no policy "+name, "%v", summary(found))
	return nil
}

func TestTerraformPlan(t *testing.T) {
	found := read(t, filepath.Join("testdata", "plan.json"), extract.Options{})
	assert.Equal(t, []string{
		"4 key aws_kms_key.payroll",
		"5 trust aws_iam_role.payroll",
		"6 identity aws_iam_role.payroll.inline_policy[0]",
		"8 rcp aws_organizations_policy.floor",
		"12 endpoint module.net.aws_vpc_endpoint.kms",
		"14 grants module.net.aws_kms_grant.nightly",
		"? testdata/plan.json:7:3: aws_kms_key.new: its policy is known after the apply only; take the state then (terraform show -json), or write the policy without values of new resources",
	}, summary(found))
	key := named(t, found, "aws_kms_key.payroll")
	assert.Equal(t, `\"kms:Decript\"`, placeOf(t, key, `"kms:Decript"`), "a place within JSON within JSON")
	assert.Equal(t, `caf\u00e9`, placeOf(t, key, `café`))
	_, err := policy.Parse(policy.Key, key.Text)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Grants": [{"Name": "nightly", "KeyId": "0d7f1a52-3c6e-4f0b-9d1e-5a8b7c2d4e6f", "Operations": ["Decrypt"],
		"GranteePrincipal": "arn:aws:iam::111122223333:role/payroll", "Constraints": {"EncryptionContextSubset": {"dept": "finance"}}}]}`,
		string(named(t, found, "module.net.aws_kms_grant.nightly").Text))
}

func TestCloudFormationTemplate(t *testing.T) {
	found := read(t, filepath.Join("testdata", "template.yaml"), extract.Options{})
	assert.Equal(t, []string{
		"13 trust Resources.Role.Properties.AssumeRolePolicyDocument",
		"21 identity Resources.Role.Properties.Policies[0].PolicyDocument",
		"31 key Resources.Key.Properties.KeyPolicy",
		"56 scp Resources.Floor.Properties.Content",
	}, summary(found))
	key := named(t, found, "Resources.Key.Properties.KeyPolicy")
	assert.Equal(t, "kms:Decript", placeOf(t, key, `"kms:Decript"`))
	assert.Equal(t, `"kms:Encrypt"`, placeOf(t, key, `"kms:Encrypt"`))
	assert.Equal(t, `Encrypt`, placeOf(t, key, `Encrypt`))
	assert.Equal(t, `"arn:${AWS::Partition}:iam::${AWS::AccountId}:root"`, placeOf(t, key, `"arn:aws:iam::000000000000:root"`))
	assert.JSONEq(t, `{"Version": "2012-10-17", "Statement": [
		{"Sid": "Delegate", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"},
		{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::000000000000:role/payroll", "arn:aws:iam::000000000000:role/unresolved"]},
			"Action": ["kms:Decript", "kms:Encrypt"], "Resource": "*",
			"Condition": {"StringEquals": {"kms:EncryptionContext:dept": "finance", "kms:EncryptionContext:user": "${aws:username}"}}},
		null]}`, string(key.Text))
	assert.Equal(t, "000000000000", key.Account)
	var unknown []string
	for _, u := range key.Unknown {
		unknown = append(unknown, string(key.Text[u.Start:u.End])+": "+u.Message)
	}
	assert.Equal(t, []string{
		`"arn:aws:iam::000000000000:role/unresolved": the parameter Guest has no default in the template`,
		"null: Fn::If depends on a condition that deployment decides",
	}, unknown)
	assert.Equal(t, []string{
		"AWS::AccountId stands for 000000000000; --account says which account it is",
		`the parameter Team has its default, "finance"`,
	}, key.Notes)
	scp := named(t, found, "Resources.Floor.Properties.Content")
	assert.Equal(t, `"Effect": "Deny"`, placeOf(t, scp, `"Effect": "Deny"`), "a place within JSON within a block of YAML")
	assert.Equal(t, 57, scp.Position(strings.Index(string(scp.Text), "Deny")).Line)
}

func TestTemplateOfAKnownAccount(t *testing.T) {
	found := read(t, filepath.Join("testdata", "template.yaml"), extract.Options{Account: "111122223333", Region: "eu-west-1"})
	use := named(t, found, "Resources.Role.Properties.Policies[0].PolicyDocument")
	assert.Contains(t, string(use.Text), `"arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-`)
	assert.Equal(t, "111122223333", use.Account)
}

func TestKindsAreToldByNamePlaceOrContent(t *testing.T) {
	key := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}]}`
	identity := `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`
	bucket := `{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}`
	quoted, err := json.Marshal(key)
	require.NoError(t, err)
	for name, row := range map[string]struct {
		file, text string
		kind       string // --kind
		want       string
	}{
		"a name tells an endpoint policy":             {file: "p.vpce.json", text: key, want: "1 endpoint"},
		"a name tells a session policy":               {file: "p.session.json", text: identity, want: "1 session"},
		"--kind wins over the name":                   {file: "p.vpce.json", text: key, kind: "key", want: "1 key"},
		"content tells a key policy":                  {file: "p.json", text: key, want: "1 key"},
		"content tells an identity policy":            {file: "p.json", text: identity, want: "1 identity"},
		"YAML is fine":                                {file: "p.key.yaml", text: "Statement:\n- Effect: Allow", want: "1 key"},
		"a faulty text is its kind's":                 {file: "p.key.json", text: `{"Statement": `, want: "1 key"},
		"a faulty text without a kind is an error":    {file: "p.json", text: `{"Statement": `, want: "! p.json:1:14: not JSON: unexpected end of JSON input"},
		"a policy of another service is said":         {file: "p.json", text: bucket, want: "! p.json:1:1: this policy is about no action of kms; if it is of a kind that keyreeve knows, tell it with --kind"},
		"no policy is said":                           {file: "p.json", text: `{"a": 1}`, want: "! p.json:1:1: no policy was found here; tell what it is with --kind, or by a name such as payroll.key.json"},
		"get-key-policy":                              {file: "-", text: `{"Policy": ` + string(quoted) + `, "PolicyName": "default"}`, want: "1 key"},
		"get-key-policy --query Policy":               {file: "-", text: string(quoted), kind: "key", want: "1 key"},
		"get-key-policy --query Policy --output text": {file: "-", text: key, want: "1 key"},
		"list-grants":                                 {file: "-", text: `{"Grants": [{"GranteePrincipal": "arn:aws:iam::111122223333:root", "Operations": ["Decrypt"]}]}`, want: "1 grants"},
		"a list of grants":                            {file: "p.grants.json", text: `[{"GranteePrincipal": "x"}]`, want: "1 grants"},
		"get-role":                                    {file: "-", text: `{"Role": {"AssumeRolePolicyDocument": ` + identity + `}}`, want: "1 trust"},
		"get-role-policy":                             {file: "-", text: `{"RoleName": "a", "PolicyName": "b", "PolicyDocument": ` + identity + `}`, want: "1 identity b"},
		"get-policy-version of a boundary":            {file: "-", text: `{"PolicyVersion": {"Document": ` + identity + `}}`, kind: "boundary", want: "1 boundary"},
		"describe-policy":                             {file: "-", text: `{"Policy": {"PolicySummary": {"Type": "SERVICE_CONTROL_POLICY", "Name": "floor"}, "Content": "{}"}}`, want: "1 scp floor"},
		"describe-vpc-endpoints":                      {file: "-", text: `{"VpcEndpoints": [{"VpcEndpointId": "vpce-1", "ServiceName": "com.amazonaws.eu-west-1.kms", "PolicyDocument": "{}"}]}`, want: "1 endpoint vpce-1"},
	} {
		t.Run(name, func(t *testing.T) {
			o := extract.Options{}
			if row.kind != "" {
				o.Kind, _ = extract.KindNamed(row.kind)
			}
			assert.Equal(t, []string{row.want}, summary(extract.Text(row.file, []byte(row.text), o)))
		})
	}
}

func TestDirectoryHoldsOtherFilesToo(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.key.json":             `{"Statement": []}`,
		"package.json":           `{"name": "x"}`,
		"tsconfig.json":          `{ // comments`,
		"chart/values.yaml":      "{{ .Values }}",
		"node_modules/b.json":    `{"Statement": []}`,
		".git/c.json":            `{"Statement": []}`,
		"bucket.json":            `{"Statement": [{"Principal": "*", "Action": "s3:GetObject"}]}`,
		"broken.json":            `{"Statement": [}`,
		"sub/d.iam.json":         `{"Statement": []}`,
		"w/world.yaml":           "accounts:\n  \"111122223333\":\n    keys: {payroll: {policy: p.json, grants: {g: {grantee: role/x, operations: [Decrypt]}}}}\n",
		"w/p.json":               `{"Statement": []}`,
		"w/loose.scp.json":       `{"Statement": []}`,
		"archive/world.txtar":    "-- world.yaml --\naccounts:\n  \"111122223333\":\n    roles:\n      x: {trust: {Statement: []}}\n",
		"archive/policies.txtar": "comment\n-- q.key.json --\n{\"Statement\": []}\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	t.Chdir(dir)
	found := read(t, ".", extract.Options{})
	var got []string
	for _, p := range found.Policies {
		got = append(got, fmt.Sprintf("%s:%d %s", p.File, p.Position(0).Line, p.Name))
	}
	assert.Equal(t, []string{
		"a.key.json:1 ", "archive/policies.txtar:3 ", "archive/world.txtar:5 role/x trust", "sub/d.iam.json:1 ",
		"w/p.json:1 key/payroll", "w/world.yaml:3 key/payroll grants", "w/loose.scp.json:1 ",
	}, got)
	assert.Equal(t, []string{"archive/world.txtar", "w"}, found.Worlds)
	require.Len(t, found.Errors, 1)
	assert.Equal(t, "broken.json:1:16: not JSON: invalid character '}' looking for beginning of value", found.Errors[0].Error())
}

func TestWhatADirectoryHoldsBesidesFilesIsSaid(t *testing.T) {
	for name, world := range map[string]string{"a directory": "", "a world": "accounts: {}\n"} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			require.NoError(t, os.Mkdir("d", 0o755))
			if world != "" {
				require.NoError(t, os.WriteFile("d/world.yaml", []byte(world), 0o600))
			}
			for link, target := range map[string]string{"d/a.key.json": "gone", "d/b.json": "gone", "d/c.key.json": os.DevNull, "d/e": "..", "d/f.txt": "gone"} {
				require.NoError(t, os.Symlink(target, link))
			}
			found := read(t, "d", extract.Options{})
			assert.Equal(t, []string{"! d/a.key.json: a link that leads nowhere", "! d/c.key.json: no regular file, so not read"}, summary(found))
			var notes []string
			for _, n := range found.Notes {
				notes = append(notes, n.Error())
			}
			assert.Equal(t, []string{"d/b.json: a link that leads nowhere",
				"d/e: a link to a directory, which is not followed: name what it leads to in order to lint that too"}, notes)
		})
	}
}

func TestPlansThatLackSomething(t *testing.T) {
	const (
		failed  = "! plan.json:1:1: Terraform could not finish this plan (errored), so nothing is said about resources that are not in it"
		partial = "! plan.json:1:1: this plan is not complete: it leaves changes to a later one (-target, or deferred changes), and nothing is said about those"
	)
	for name, row := range map[string]struct{ member, want string }{
		"it ended with an error":    {`"errored": true`, failed},
		"it is for some targets":    {`"complete": false`, partial},
		"changes in it are put off": {`"complete": true, "deferred_changes": [{"reason": "provider_config_unknown"}]`, partial},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, []string{row.want}, summary(extract.Text("plan.json", []byte(`{"format_version": "1.2", "planned_values": {}, `+row.member+`}`), extract.Options{})))
		})
	}
	whole := `{"format_version": "1.2", "errored": false, "complete": true, "deferred_changes": [], "planned_values": {}}`
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("plan.json", []byte(whole), 0o600))
	assert.Empty(t, summary(read(t, ".", extract.Options{})))
}

func TestPathThatDoesNotExist(t *testing.T) {
	_, err := extract.Paths([]string{"testdata/nowhere"}, extract.Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
}
