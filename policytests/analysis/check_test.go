package analysis

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestMain(m *testing.M) {
	verifyAll = true // also what is shown to nobody is confirmed
	os.Exit(m.Run())
}

func parse(t testing.TB, k policy.Kind, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse(k, []byte(text))
	require.NoError(t, err)
	return d
}

// full makes statements a policy.
func full(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

const (
	root  = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`
	admin = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/admin"},"Action":["kms:PutKeyPolicy","kms:DisableKey"],"Resource":"*"}`
)

// ids are the rules of findings, each once, in order.
func ids(all []lint.Finding) []string {
	out := []string{}
	for _, f := range all {
		id := f.Rule
		if f.Unknown {
			id += " unknown"
		}
		out = append(out, id)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// allow is a statement of a key policy.
func allow(principal, actions, condition string) string {
	return says("Allow", principal, actions, condition)
}

func says(effect, principal, actions, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return `{"Effect":"` + effect + `","Principal":` + principal + `,"Action":` + actions + `,"Resource":"*"` + condition + `}`
}

func TestRulesFindWhatTheyAreFor(t *testing.T) {
	const (
		everybody = `"*"`
		user      = `{"AWS":"arn:aws:iam::111122223333:role/user"}`
		other     = `{"AWS":"arn:aws:iam::444455556666:root"}`
		decrypt   = `"kms:Decrypt"`
	)
	cases := []struct {
		name, policy string
		kind         policy.Kind
		want         []string
	}{
		{"the default policy is fine", root, policy.Key, nil},
		{"anybody may decrypt", root + "," + allow(everybody, decrypt, ""), policy.Key, []string{"KR_PUBLIC_KEY", "KR_STAR_IS_NOT_DELEGATION"}},
		{"anybody but one account", root + "," + allow(everybody, decrypt, `{"StringNotEquals":{"kms:CallerAccount":"444455556666"}}`), policy.Key,
			[]string{"KR_PUBLIC_KEY", "KR_STAR_IS_NOT_DELEGATION"}},
		{"roles of one name in any account", root + "," + allow(everybody, decrypt, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/app"}}`), policy.Key,
			[]string{"KR_PUBLIC_KEY"}},
		{"star for the account", root + "," + allow(everybody, decrypt, `{"StringEquals":{"kms:CallerAccount":"111122223333"}}`), policy.Key, []string{"KR_STAR_IS_NOT_DELEGATION"}},
		{"star for the account by a service", root + "," + allow(everybody, decrypt, `{"StringEquals":{"kms:CallerAccount":"111122223333","kms:ViaService":"s3.us-east-1.amazonaws.com"}}`),
			policy.Key, nil},
		{"star for an organization", root + "," + allow(everybody, decrypt, `{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorg"}}`), policy.Key, []string{"KR_CROSS_ACCOUNT", "KR_STAR_IS_NOT_DELEGATION"}},
		{"another account", root + "," + allow(other, decrypt, ""), policy.Key, []string{"KR_CROSS_ACCOUNT"}},
		{"nobody may change the policy", allow(user, decrypt, ""), policy.Key, []string{"KR_LOCKOUT_ALL"}},
		{"a deny locks all out", root + "," + says("Deny", everybody, `"kms:PutKeyPolicy"`, ""), policy.Key, []string{"KR_LOCKOUT_ALL"}},
		{"only a role can", admin, policy.Key, []string{"KR_ROOT_DELEGATION_MISSING"}},
		{"the account may use only", admin + "," + allow(`{"AWS":"111122223333"}`, decrypt, ""), policy.Key, []string{"KR_ROOT_DELEGATION_NARROW"}},
		{"a user replaces the policy", root + "," + allow(user, `["kms:Decrypt","kms:PutKeyPolicy"]`, ""), policy.Key, []string{"KR_ADMIN_AND_USER", "KR_ESCALATION_PUTKEYPOLICY"}},
		{"an administrator decrypts", root + "," + admin + "," + allow(`{"AWS":"arn:aws:iam::111122223333:role/admin"}`, decrypt, ""), policy.Key, []string{"KR_ADMIN_AND_USER"}},
		{"grants to anybody", root + "," + allow(user, `["kms:CreateGrant"]`, ""), policy.Key, []string{"KR_ESCALATION_CREATEGRANT"}},
		{"grants for resources of services", root + "," + allow(user, `["kms:CreateGrant"]`, `{"Bool":{"kms:GrantIsForAWSResource":"true"}}`), policy.Key, nil},
		{"grants of some operations", root + "," + allow(user, `["kms:CreateGrant"]`, `{"ForAllValues:StringEquals":{"kms:GrantOperations":["Decrypt","Encrypt"]}}`), policy.Key, nil},
		{"grants under a constraint", root + "," + allow(user, `["kms:CreateGrant"]`, `{"StringEquals":{"kms:GrantConstraintType":"EncryptionContextSubset"}}`), policy.Key, nil},
		{"deletion by a role", root + "," + allow(user, `"kms:ScheduleKeyDeletion"`, ""), policy.Key, []string{"KR_DELETE_UNGUARDED"}},
		{"deletion after a month", root + "," + allow(user, `"kms:ScheduleKeyDeletion"`, `{"NumericGreaterThanEquals":{"kms:ScheduleKeyDeletionPendingWindowInDays":"30"}}`), policy.Key, nil},
		{"the same twice", root + "," + allow(user, decrypt, "") + "," + allow(user, `["kms:decrypt"]`, ""), policy.Key, []string{"REDUNDANT_STATEMENT"}},
		{"covered by a pattern", root + "," + allow(user, decrypt, `{"StringLike":{"kms:EncryptionContext:a":"fin*"}}`) + "," +
			allow(user, decrypt, `{"StringEquals":{"kms:EncryptionContext:a":"finance"}}`), policy.Key, []string{"REDUNDANT_STATEMENT"}},
		{"an allow that a deny covers", root + "," + allow(user, decrypt, "") + "," + says("Deny", user, decrypt, ""), policy.Key, []string{"KR_UNREACHABLE_ALLOW"}},
		{"an allow for numbers that are not", root + "," + allow(user, decrypt, `{"NumericLessThan":{"aws:MultiFactorAuthAge":"300"},"NumericGreaterThan":{"aws:MultiFactorAuthAge":"500"}}`),
			policy.Key, []string{"KR_UNREACHABLE_ALLOW"}},
		{"a deny for nobody", root + "," + says("Deny", `{"AWS":"arn:aws:iam::444455556666:user/eve"}`, decrypt, ""), policy.Key, []string{"KR_DENY_WITHOUT_EFFECT"}},
		{"a deny within a deny", root + "," + says("Deny", everybody, decrypt, "") + "," + says("Deny", user, decrypt, ""), policy.Key, []string{"REDUNDANT_STATEMENT"}},
		{"a star that says no more than that the key is there", root + "," + allow(user, decrypt, `{"StringLike":{"kms:EncryptionContext:a":"*"}}`), policy.Key,
			[]string{"EQUIVALENT_TO_NULL_FALSE"}},
		{"nothing but absent", root + "," + allow(user, decrypt, `{"StringNotLike":{"kms:EncryptionContext:a":"*"}}`), policy.Key, []string{"EQUIVALENT_TO_NULL_TRUE"}},
		{"a star that always holds", root + "," + allow(user, decrypt, `{"StringLikeIfExists":{"kms:EncryptionContext:a":"*"}}`), policy.Key, []string{"REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION"}},
		{"an enclave, and a way around", root + "," + allow(user, decrypt, `{"StringEquals":{"kms:RecipientAttestation:ImageSha384":"0a"}}`), policy.Key, []string{"KR_ATTESTATION_BYPASS"}},
		{"an enclave, and a second statement", admin + "," + allow(user, decrypt, `{"StringEquals":{"kms:RecipientAttestation:ImageSha384":"0a"}}`) + "," + allow(`{"AWS":"arn:aws:iam::111122223333:role/b"}`, decrypt, ""),
			policy.Key, []string{"KR_ATTESTATION_NOT_ENFORCED", "KR_ROOT_DELEGATION_MISSING"}},
		{"services come from elsewhere", root + "," + says("Deny", everybody, decrypt, `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`), policy.Key, []string{"KR_SOURCEIP_BREAKS_SERVICES"}},
		{"services are spared", root + "," + says("Deny", everybody, decrypt, `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Bool":{"aws:ViaAWSService":"false"}}`), policy.Key, nil},
		{"half an alias", `{"Effect":"Allow","Action":"kms:CreateAlias","Resource":"arn:aws:kms:us-east-1:111122223333:alias/*"}`, policy.Identity, []string{"KR_ALIAS_ACTION_HALF"}},
		{"access by a tag that one sets oneself", `{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"a"}}},` +
			`{"Effect":"Allow","Action":"kms:TagResource","Resource":"*"}`, policy.Identity, []string{"KR_ABAC_SELF_SERVICE"}},
		{"access by a tag, others are set", `{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"a"}}},` +
			`{"Effect":"Allow","Action":"kms:TagResource","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"cost"},"Null":{"aws:TagKeys":"false"}}}`, policy.Identity, nil},
		{"an endpoint for other services", `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`, policy.Endpoint, []string{"KR_VPCE_GRANTS_NOTHING"}},
		{"an SCP that denies", `{"Effect":"Deny","Action":"kms:ScheduleKeyDeletion","Resource":"*"}`, policy.SCP, nil},
		{"an SCP that denies twice", `{"Effect":"Deny","Action":"kms:Schedule*","Resource":"*"},{"Effect":"Deny","Action":"kms:ScheduleKeyDeletion","Resource":"*"}`, policy.SCP, []string{"REDUNDANT_STATEMENT"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			found, err := CheckDocument(t.Context(), parse(t, c.kind, full(c.policy)), lint.Options{})
			require.NoError(t, err)
			if c.want == nil {
				c.want = []string{}
			}
			assert.Equal(t, c.want, ids(found), "%v", found)
			for _, f := range found {
				r, known := lint.RuleNamed(f.Rule)
				assert.True(t, known && r.ByMeaning, "%s is no rule by meaning", f.Rule)
				assert.NotZero(t, f.Severity)
				assert.NotZero(t, f.Span.Start.Line)
			}
		})
	}
}

// TestNoFalseAlarms has what other tools cry wolf about, with their threads.
func TestNoFalseAlarms(t *testing.T) {
	for name, text := range map[string]string{
		"checkov 4394: Deny with Principal *":                          root + "," + says("Deny", `"*"`, `"kms:*"`, `{"Bool":{"aws:SecureTransport":"false"}}`),
		"prowler 970, custodian 5201: * with kms:CallerAccount":        root + "," + allow(`"*"`, `"kms:Decrypt"`, `{"StringEquals":{"kms:CallerAccount":"111122223333","kms:ViaService":"rds.us-east-1.amazonaws.com"}}`),
		"kics 4779 and 6844: the default policy":                       root,
		"checkov 2336, tfsec 794: Resource * in a key policy":          root + "," + allow(`{"AWS":"arn:aws:iam::111122223333:role/app"}`, `["kms:Decrypt","kms:GenerateDataKey"]`, ""),
		"parliament 3: permissions in two statements":                  root + "," + allow(`{"AWS":"arn:aws:iam::111122223333:role/app"}`, `"kms:ReEncryptFrom"`, "") + "," + allow(`{"AWS":"arn:aws:iam::111122223333:role/app"}`, `"kms:ReEncryptTo"`, ""),
		"steampipe-perimeter 23: * for one principal":                  root + "," + allow(`"*"`, `"kms:Decrypt"`, `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}`),
		"guardrails 61: a service of the account":                      root + "," + allow(`{"Service":"logs.us-east-1.amazonaws.com"}`, `["kms:Encrypt*","kms:Decrypt*"]`, `{"ArnLike":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:us-east-1:111122223333:*"}}`),
		"provider documentation: ForAllValues with a key that must be": root + "," + allow(`{"AWS":"arn:aws:iam::111122223333:role/app"}`, `"kms:Decrypt"`, `{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["app"]},"Null":{"kms:EncryptionContextKeys":"false"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			found, err := CheckDocument(t.Context(), parse(t, policy.Key, full(text)), lint.Options{})
			require.NoError(t, err)
			assert.Empty(t, ids(found), "%v", found)
		})
	}
	found, err := CheckDocument(t.Context(), parse(t, policy.Key, full(allow(`"*"`, `["kms:Encrypt","kms:Decrypt","kms:CreateGrant"]`,
		`{"StringEquals":{"kms:CallerAccount":"111122223333","kms:ViaService":"s3.us-east-1.amazonaws.com"}}`))), lint.Options{AWSManaged: true})
	require.NoError(t, err)
	assert.Empty(t, ids(found), "an AWS managed key: %v", found)
	found, err = CheckDocument(t.Context(), parse(t, policy.Key, full(root+","+allow(`{"AWS":"444455556666"}`, `"kms:Decrypt"`, ""))), lint.Options{Trusted: []string{"444455556666"}})
	require.NoError(t, err)
	assert.Empty(t, ids(found), "a trusted account: %v", found)
}

// warned are the policies of the guide that it warns about itself: CreateGrant
// without a guard (Guide, "Controlling access to your KMS keys", Grants). For
// those of enclaves, the statement that completes them is the way around.
var warned = map[string][]string{
	"13-enclave-image.key.json": {"KR_ATTESTATION_BYPASS"}, "13-enclave-register.key.json": {"KR_ATTESTATION_BYPASS"},
	"04-replica.key.json": {"KR_ESCALATION_CREATEGRANT"}, "13-key-usage-use.iam.json": {"KR_ESCALATION_CREATEGRANT"},
	"13-retiring-principal.key.json": {"KR_ESCALATION_CREATEGRANT"}, "29-desktops.iam.json": {"KR_ESCALATION_CREATEGRANT"},
}

// TestThePoliciesOfTheGuideAreFine completes what the guide prints as a single
// statement by the default one: alone it would lock everybody out.
func TestThePoliciesOfTheGuideAreFine(t *testing.T) {
	files, err := filepath.Glob("../guide/*.json")
	require.NoError(t, err)
	kinds := map[string]policy.Kind{"key": policy.Key, "iam": policy.Identity, "scp": policy.SCP, "rcp": policy.RCP, "vpce": policy.Endpoint}
	looked := 0
	for _, file := range files {
		parts := strings.Split(filepath.Base(file), ".")
		k, known := kinds[parts[len(parts)-2]]
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		d, err := policy.Parse(k, text)
		if !known || err != nil {
			continue
		}
		looked++
		if k == policy.Key {
			s := stage{conditions: map[string][]*condition{}}
			s.read(d)
			s.place()
			added := parse(t, k, full(strings.ReplaceAll(root, "111122223333", s.first.Account)))
			d.Statements = append(d.Statements, added.Statements...)
			d.Statements[len(d.Statements)-1].Index = len(d.Statements) - 1
		}
		found, err := CheckDocument(t.Context(), d, lint.Options{})
		require.NoError(t, err, file)
		for _, f := range found {
			grave := f.Severity == lint.Error || f.Severity == lint.Security
			assert.True(t, !grave || slices.Contains(warned[filepath.Base(file)], f.Rule), "%s: %s: %s", file, f.Rule, f.Message)
			assert.False(t, f.Unknown, "%s: %s: %s", file, f.Rule, f.Message)
		}
	}
	assert.Greater(t, looked, 100)
}

const exampleWorld = `
organization:
  id: o-exampleorg
  management-account: "777788889999"
  root:
    id: r-ab12
    accounts: {"777788889999": {}}
    units:
      Closed:
        id: ou-ab12-closed01
        scps: {storage: {Version: 2012-10-17, Statement: {Effect: Allow, Action: "s3:*", Resource: "*"}}}
        accounts: {"444455556666": {}}
      Open:
        id: ou-ab12-open0001
        accounts: {"111122223333": {}}
accounts:
  "777788889999": {}
  "444455556666": {users: {eve: {policies: {use: {Version: 2012-10-17, Statement: {Effect: Allow, Action: "kms:*", Resource: "*"}}}}}}
  "111122223333":
    users:
      bob: {policies: {use: {Version: 2012-10-17, Statement: {Effect: Allow, Action: "kms:Decrypt", Resource: "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000001"}}}}
    roles:
      admin: {trust: {Version: 2012-10-17, Statement: {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}}}
    keys:
      closed:
        id: 00000000-0000-0000-0000-000000000001
        policy:
          Version: 2012-10-17
          Statement:
            - {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:role/admin"}, Action: ["kms:PutKeyPolicy", "kms:DisableKey"], Resource: "*"}
            - {Effect: Allow, Principal: "*", Action: "kms:Encrypt", Resource: "*", Condition: {StringEquals: {"aws:SourceVpce": "vpce-99999999999999999", "kms:CallerAccount": "111122223333"}}}
            - {Effect: Deny, Principal: "*", Action: "kms:GenerateDataKey", Resource: "*"}
        grants:
          nightly: {grantee: user/bob, operations: [GenerateDataKey]}
          daily: {grantee: user/bob, operations: [Encrypt]}
endpoints:
  vpce-0123456789abcdef0: {account: "111122223333", region: us-east-1, vpc: vpc-0123456789abcdef0}
`

func loadWorld(t testing.TB, text string) *world.World {
	t.Helper()
	w, err := world.LoadFS(fstest.MapFS{"world.yaml": {Data: []byte(text)}}, nil)
	require.NoError(t, err)
	return w
}

func TestKeysOfAWorldAreCheckedWithAllThatDecides(t *testing.T) {
	w := loadWorld(t, exampleWorld)
	found, err := CheckKey(t.Context(), w, w.Keys()[0], Options{By: "arn:aws:iam::111122223333:user/bob"})
	require.NoError(t, err)
	assert.Equal(t, []string{"KR_GRANT_DEAD", "KR_IDENTITY_INEFFECTIVE", "KR_LOCKOUT_CALLER", "KR_ROOT_DELEGATION_MISSING", "KR_SCP_LEVEL_WITHOUT_ALLOW",
		"KR_UNREACHABLE_ALLOW", "KR_VPCE_SOURCEVPCE_MISMATCH"}, ids(found), "%v", found)
	for _, f := range found {
		if f.Rule == "KR_GRANT_DEAD" {
			assert.Equal(t, "nightly", f.Policy)
		}
	}
}

// TestServiceOfARegionBesideOthers: a service named with its Region does not
// hide what the rest of the policy lets in.
func TestServiceOfARegionBesideOthers(t *testing.T) {
	text := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:Decrypt","Resource":"*"},
		{"Effect":"Allow","Principal":{"Service":"logs.us-west-2.amazonaws.com"},"Action":"kms:Encrypt","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":"kms:Decrypt","Resource":"*",
		 "Condition":{"StringEquals":{"kms:ViaService":"s3.us-west-2.amazonaws.com"}}}]}`
	d, err := policy.Parse(policy.Key, []byte(text))
	require.NoError(t, err)
	findings, err := CheckDocument(t.Context(), d, lint.Options{})
	require.NoError(t, err)
	assert.True(t, slices.ContainsFunc(findings, func(f lint.Finding) bool { return f.Rule == "KR_PUBLIC_KEY" }), "%v", findings)
}
