package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// notOffered are the condition keys that no call of this test can hold, with
// what they need.
var notOffered = map[string]string{
	"aws:AssumedRoot":               "AssumeRoot, which is not offered",
	"aws:FederatedProvider":         "a web identity: TestListedSessionsAreDecidedAsWhatTheyAre",
	"aws:MultiFactorAuthAge":        "an MFA device, which worlds do not list",
	"kms:ViaService":                "a service that calls for somebody",
	"kms:GrantConstraintSourceArn":  "a grant for a service",
	"kms:GranteeServicePrincipal":   "a grant for a service",
	"kms:RetiringServicePrincipal":  "a grant for a service",
	"aws:SourceVpc":                 "a VPC endpoint",
	"aws:SourceVpce":                "a VPC endpoint",
	"aws:VpcSourceIp":               "a VPC endpoint",
	"aws:CalledVia":                 "a service that calls for somebody",
	"aws:CalledViaFirst":            "a service that calls for somebody",
	"aws:CalledViaLast":             "a service that calls for somebody",
	"aws:PrincipalServiceName":      "a service that calls as itself",
	"aws:PrincipalServiceNamesList": "a service that calls as itself",
	"aws:SourceAccount":             "a service that calls for a source",
	"aws:SourceArn":                 "a service that calls for a source",
	"aws:SourceOrgID":               "a service that calls for a source",
	"aws:SourceOrgPaths":            "a service that calls for a source",
}

// ruledOut are those that the service's reference lists and keyreeve never
// gives to an action, with the ruling.
var ruledOut = map[string]map[string]string{
	"kms:CreateKey":   {"aws:ResourceTag/": "the key does not exist yet"},
	"kms:RetireGrant": {"kms:EncryptionContext:": "A-43 names CreateGrant alone", "kms:EncryptionContextKeys": "the same", "kms:GrantConstraintType": "the same"},
}

// probed is a name that a row of the condition keys stands for.
func probed(k policy.ConditionKey) string {
	switch {
	case k.Name == "kms:EncryptionContext:":
		return k.Name + "dept"
	case k.Prefix():
		return k.Name + "team"
	}
	return k.Name
}

// inOneWorld is how many condition keys one world proves: as many statements as the
// evidence of a layer tells, but for the one that allows all.
const inOneWorld = 19

// provingWorld has a user and a role who may do all, and whose policies hold a
// statement for each of some condition keys, which matches if the key is
// there: which statements matched stands in the decision log.
func provingWorld(first int) string {
	var statements strings.Builder
	statements.WriteString("          proving:\n            Version: \"2012-10-17\"\n            Statement:\n")
	for i := first; i < min(first+inOneWorld, len(policy.ConditionKeys)); i++ {
		fmt.Fprintf(&statements, "              - {Sid: K%d, Effect: Allow, Action: \"*\", Resource: \"*\", Condition: {\"Null\": {%q: \"false\"}}}\n", i, probed(policy.ConditionKeys[i]))
	}
	statements.WriteString("              - {Sid: All, Effect: Allow, Action: \"*\", Resource: \"*\"}\n")
	return `
-- world.yaml --
regions: [us-east-1, eu-west-1, ca-central-1]
accounts:
  "777788889999": {}
  "111122223333":
    users:
      alice: {}
      bob: {}
      prober:
        tags: {team: red}
        policies:
` + statements.String() + `        access-keys: {AKIAPROBER: secret}
    roles:
      probing:
        trust:
          Version: "2012-10-17"
          Statement: [{Effect: Allow, Principal: {AWS: "111122223333"}, Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}]
        policies:
` + statements.String() + `
organization:
  id: o-exampleorg
  management-account: "777788889999"
  root:
    id: r-ab12
    accounts: {"777788889999": {}, "111122223333": {}}
`
}

// probe makes every call, also by alias and by a session, so that each key
// that can be there is there once.
func (b bench) probe(prober enginetest.Keys) {
	b.t.Helper()
	const role = "arn:aws:iam::111122223333:role/probing"
	session := b.assume(prober, role, "probe", tagged(nil, "team", "red"), identified("prober"))
	for _, who := range []enginetest.Keys{prober, session} {
		refer := smithyhttp.AddHeaderValue("Referer", "https://example.com/")
		in := &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("probe"), ExternalId: aws.String("external")}
		tagged([]string{"team"}, "team", "red")(in)
		identified("prober")(in)
		require.NoError(b.t, second(b.STS(who, region).AssumeRole(b.ctx, in, sts.WithAPIOptions(refer))))
		client := kms.New(b.as(who).Options(), kms.WithAPIOptions(refer))
		for _, operation := range sortedKeys(calls) {
			f := b.fixtureOf(prober)
			if operation == "CancelKeyDeletion" {
				require.NoError(b.t, second(client.ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &f.key})))
			}
			assert.Equal(b.t, best(operation), said(calls[operation](b.ctx, client, f)), operation)
		}
		for _, operation := range byAnyName {
			f := b.fixtureOf(prober)
			b.nameByAlias(prober, &f)
			require.NoError(b.t, calls[operation](b.ctx, client, f), operation)
		}
	}
}

// fixtureOf is newFixture in a world with a prober alone.
func (b bench) fixtureOf(prober enginetest.Keys) fixture {
	b.t.Helper()
	c := b.as(prober)
	made, err := c.CreateKey(b.ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true), Tags: tags("team", "red")})
	require.NoError(b.t, err)
	f := fixture{
		key: *made.KeyMetadata.Arn, alias: "alias/" + *made.KeyMetadata.KeyId, plaintext: []byte("p"), pairs: map[string]string{"dept": "finance"},
		description: "d", bypass: aws.Bool(true), policy: delegating, multiRegion: aws.Bool(true),
	}
	f.other = f.key
	require.NoError(b.t, second(c.CreateAlias(b.ctx, &kms.CreateAliasInput{AliasName: &f.alias, TargetKeyId: &f.key})))
	granted, err := c.CreateGrant(b.ctx, &kms.CreateGrantInput{
		KeyId: &f.key, GranteePrincipal: aws.String("arn:aws:iam::111122223333:role/probing"), Operations: operations("GenerateDataKeyPair"),
	})
	require.NoError(b.t, err)
	f.grant = *granted.GrantId
	sealed, err := c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &f.key, Plaintext: f.plaintext, EncryptionContext: f.pairs})
	require.NoError(b.t, err)
	f.blob = sealed.CiphertextBlob
	b.addPairs(prober, &f)
	return f
}

// provided are the condition keys that each action was seen with in the
// decision log.
func provided(t *testing.T, log string) map[string][]string {
	t.Helper()
	seen := map[string][]string{}
	for line := range strings.Lines(log) {
		var entry struct {
			Result struct {
				Action string
				Layers []struct{ Statements []struct{ Sid string } }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		for _, l := range entry.Result.Layers {
			for _, s := range l.Statements {
				n, err := strconv.Atoi(strings.TrimPrefix(s.Sid, "K"))
				if err != nil {
					continue // of another policy
				}
				if name := policy.ConditionKeys[n].Name; !slices.Contains(seen[entry.Result.Action], name) {
					seen[entry.Result.Action] = append(seen[entry.Result.Action], name)
				}
			}
		}
	}
	return seen
}

// TestEveryConditionKeyIsProvided compares what each action was seen with to
// the tables: nothing is missing and nothing is there that should not be.
func TestEveryConditionKeyIsProvided(t *testing.T) {
	worlds := (len(policy.ConditionKeys) + inOneWorld - 1) / inOneWorld
	logs := make([]string, worlds)
	t.Run("probes", func(t *testing.T) {
		for i := range worlds {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				b := start(t, enginetest.Config{World: provingWorld(i * inOneWorld)})
				b.probe(enginetest.Keys{ID: "AKIAPROBER", Secret: "secret"})
				logs[i] = b.DecisionLog()
			})
		}
	})
	seen := provided(t, strings.Join(logs, ""))
	for _, operation := range sortedKeys(calls) {
		actions := []string{"kms:" + operation}
		if operation == "ReEncrypt" {
			actions = []string{"kms:ReEncryptFrom", "kms:ReEncryptTo"}
		}
		for _, name := range actions {
			assert.Equal(t, wanted(t, name), sorted(seen[name]), name)
		}
	}
	assert.Equal(t, wanted(t, "sts:AssumeRole"), sorted(seen["sts:AssumeRole"]))
	for _, name := range []string{"sts:TagSession", "sts:SetSourceIdentity"} { // those of the AssumeRole that they are part of
		assert.Subset(t, seen[name], wanted(t, name), name)
	}
}

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }

// wanted are the condition keys that requests for an action can hold.
func wanted(t *testing.T, name string) []string {
	t.Helper()
	action, known := policy.ActionNamed(name)
	require.True(t, known, name)
	var keys []string
	for _, k := range policy.ConditionKeys {
		_, cannot := notOffered[k.Name]
		_, ruled := ruledOut[name][k.Name]
		onResource := strings.HasPrefix(k.Name, "aws:Resource") && k.Global // absent where there is none
		switch {
		case k.Absent, cannot, ruled, onResource && len(action.Resources) == 0, strings.HasPrefix(k.Name, "kms:RecipientAttestation:"):
		case k.Global, slices.Contains(action.ConditionKeys, k.Name):
			keys = append(keys, k.Name)
		}
	}
	return sorted(keys)
}
