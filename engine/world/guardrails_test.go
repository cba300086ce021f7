package world

import (
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// loadText loads the text of an archive.
func loadText(text []byte) (*World, error) {
	src, err := readArchive(text)
	if err != nil {
		return nil, err
	}
	return newLoader(src).load(nil)
}

func organization(t *testing.T) *World {
	t.Helper()
	text, err := os.ReadFile("testdata/organization.txtar")
	require.NoError(t, err)
	w, err := loadText(text)
	require.NoError(t, err)
	return w
}

func TestGuardrailsStandInLevelsFromTheRootDown(t *testing.T) {
	o := organization(t).Organization()
	levels := o.Levels("111122223333")
	var scps, rcps [][]string
	for _, l := range levels {
		scps, rcps = append(scps, names(l.SCP)), append(rcps, names(l.RCP))
	}
	assert.Equal(t, [][]string{{"FullAWSAccess"}, {"most"}, {"FullAWSAccess"}, {"most"}}, scps, "root, Engineering, Payroll, the account")
	assert.Equal(t, [][]string{{"perimeter"}, {}, {}, {}}, rcps)
	assert.Len(t, o.Levels("444455556666"), 3)
	assert.Regexp(t, `^arn:aws:organizations::777788889999:policy/o-exampleorg/service_control_policy/p-[0-9a-f]{8}$`, levels[1].SCP[0].ARN)
	assert.Regexp(t, `^arn:aws:organizations::777788889999:policy/o-exampleorg/resource_control_policy/p-[0-9a-f]{8}$`, levels[0].RCP[0].ARN)
	assert.Nil(t, o.Levels("123412341234"), "an account outside of the organization")
	assert.Equal(t, "777788889999", o.Management)
}

func TestPathInTheOrganization(t *testing.T) {
	o := organization(t).Organization()
	assert.Equal(t, "o-exampleorg/r-ab12/ou-ab12-engineer/ou-ab12-payrolls/", o.Path("111122223333"))
	assert.Equal(t, "o-exampleorg/r-ab12/", o.Path("777788889999"))
	assert.Empty(t, o.Path("123412341234"))
}

func TestEndpointsAndServices(t *testing.T) {
	w := organization(t)
	require.Len(t, w.Endpoints(), 1)
	e := w.Endpoints()[0]
	assert.NotNil(t, e.Policy.Document)
	assert.Equal(t, "111122223333", e.Policy.Account)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, e.Peers)
	require.Len(t, w.Services(), 1)
	assert.Equal(t, []string{"kms:GenerateDataKey*", "kms:Decrypt"}, w.Services()[0].ActsFor[0].Actions)
	key, ok := w.AccessKey("AKIASTORAGE")
	require.True(t, ok)
	assert.Equal(t, "s3.amazonaws.com", key.Service)
	assert.Empty(t, key.Account)
}

func TestEndpointIsReachedThroughItsListenersAndPeers(t *testing.T) {
	e, ok := organization(t).Endpoint("vpce-0123456789abcdef0")
	require.True(t, ok)
	assert.True(t, e.At("inside"))
	assert.False(t, e.At(""), "not at the public listener, since it is bound to another")
	assert.True(t, (&Endpoint{}).At(""))
	assert.False(t, (&Endpoint{}).At("inside"))
	assert.True(t, e.Trusts(netip.MustParseAddr("10.1.2.3")))
	assert.True(t, e.Trusts(netip.MustParseAddr("::ffff:10.1.2.3")))
	assert.False(t, e.Trusts(netip.MustParseAddr("10.2.0.1")))
	assert.False(t, e.Trusts(netip.Addr{}))
	assert.True(t, organization(t).Proxied("inside", netip.MustParseAddr("10.1.2.3")))
	assert.False(t, organization(t).Proxied("", netip.MustParseAddr("10.1.2.3")))
	assert.False(t, organization(t).Proxied("inside", netip.MustParseAddr("10.2.0.1")))
	_, ok = organization(t).Endpoint("vpce-00000000")
	assert.False(t, ok)
}

func TestServiceMayDoWhatItsMandatesSay(t *testing.T) {
	s, ok := organization(t).Service("s3.amazonaws.com")
	require.True(t, ok)
	assert.True(t, s.May("111122223333", "us-east-1", "kms:GenerateDataKeyWithoutPlaintext"))
	assert.True(t, s.May("111122223333", "us-east-1", "KMS:decrypt"))
	assert.False(t, s.May("111122223333", "us-east-1", "kms:DecryptX"))
	assert.False(t, s.May("111122223333", "us-east-1", "kms:Encrypt"))
	assert.False(t, s.May("444455556666", "us-east-1", "kms:Decrypt"))
	assert.False(t, s.May("111122223333", "eu-west-1", "kms:Decrypt"))
	assert.False(t, (&Service{}).May("111122223333", "us-east-1", "kms:Decrypt"))
}

func TestNamesOfServices(t *testing.T) {
	w := organization(t)
	s, _ := w.Service("s3.amazonaws.com")
	assert.Equal(t, []string{"s3.amazonaws.com", "s3.us-east-1.amazonaws.com"}, s.Names("us-east-1"))
	assert.Equal(t, "states.us-east-1.amazonaws.com", (&Service{Principal: "states.amazonaws.com.cn"}).Via("us-east-1"))
	for name, want := range map[string]bool{
		"s3.amazonaws.com": true, "s3.us-east-1.amazonaws.com": true, "s3.eu-west-1.amazonaws.com": false, "s3": false, "": false,
	} {
		_, ok := w.ServiceNamed(name)
		assert.Equal(t, want, ok, name)
	}
	for alias, want := range map[string]bool{"alias/aws/s3": true, "alias/aws/ebs": false, "alias/s3": false} {
		_, ok := w.ServiceOfKey(alias)
		assert.Equal(t, want, ok, alias)
	}
	assert.Equal(t, []string{"alias/aws/s3"}, w.PredefinedAliases())
}

func TestWrongGuardrails(t *testing.T) {
	const accounts = "-- world.yaml --\naccounts:\n  111122223333: {}\n"
	for name, c := range map[string]struct{ text, want string }{
		"a level with an empty list of SCPs": {
			"organization: {id: o-exampleorg, management-account: 111122223333, root: {id: r-ab12, scps: {}, accounts: {111122223333: {}}}}\n",
			"organization.root.scps: a level has at least one SCP",
		},
		"two units with one id": {
			"organization: {id: o-exampleorg, management-account: 111122223333, root: {id: r-ab12, accounts: {111122223333: {}}, units: {A: {id: ou-ab12-exampleu}, B: {id: ou-ab12-exampleu}}}}\n",
			"organization.root.units.B: has the same id or alias as organization.root.units.A",
		},
		"an account in two units": {
			"organization: {id: o-exampleorg, management-account: 111122223333, root: {id: r-ab12, accounts: {111122223333: {}}, units: {A: {id: ou-ab12-exampleu, accounts: {111122223333: {}}}}}}\n",
			"organization.root.units.A.accounts.111122223333: the account is in another unit already",
		},
		"a member that is no account": {
			"organization: {id: o-exampleorg, management-account: 111122223333, root: {id: r-ab12, accounts: {111122223333: {}, 444455556666: {}}}}\n",
			"accounts.444455556666: the world has no account 444455556666",
		},
		"a management account outside": {
			"organization: {id: o-exampleorg, management-account: 111122223333, root: {id: r-ab12}}\n",
			"management-account: the account is in no unit of the organization",
		},
		"an address range with host bits": {
			"endpoints: {vpce-01234567: {account: 111122223333, region: us-east-1, vpc: vpc-01234567, peers: [10.1.2.3/16]}}\n",
			"endpoints.vpce-01234567.peers[0]: must be an address range",
		},
		"an endpoint in another Region": {
			"endpoints: {vpce-01234567: {account: 111122223333, region: eu-west-1, vpc: vpc-01234567}}\n",
			"endpoints.vpce-01234567: the account does not have the Region eu-west-1",
		},
		"a service that acts for an unknown account": {
			"services: {s3.amazonaws.com: {access-keys: {S: s}, acts-for: [{accounts: [444455556666], regions: [us-east-1], actions: [kms:*]}]}}\n",
			"acts-for[0]: the world has no account 444455556666",
		},
		"proxies everywhere": {
			"endpoints: {vpce-01234567: {account: 111122223333, region: us-east-1, vpc: vpc-01234567, peers: [0.0.0.0/0]}}\n",
			"endpoints.vpce-01234567.peers[0]: all addresses may be no proxies",
		},
		"a service that acts in an unknown Region": {
			"services: {s3.amazonaws.com: {access-keys: {S: s}, acts-for: [{accounts: [111122223333], regions: [eu-west-1], actions: [kms:*]}]}}\n",
			"acts-for[0]: the world does not have the Region eu-west-1",
		},
		"a service named with a Region": {
			"services: {s3.us-east-1.amazonaws.com: {access-keys: {S: s}}}\n",
			`services."s3.us-east-1.amazonaws.com": is the service's name in one Region`,
		},
		"two services with one AWS managed key": {
			"services: {ec2.amazonaws.com: {access-keys: {A: s}, managed-keys: [ebs]}, ebs.amazonaws.com: {access-keys: {B: s}}}\n",
			`services."ebs.amazonaws.com": has the same id or alias as services."ec2.amazonaws.com"`,
		},
		"a setting that does not exist":   {"settings: {colour: blue}\n", "settings.colour: unknown field"},
		"a setting of the wrong kind":     {"settings: {encoded-messages: often}\n", "settings.encoded-messages: a scalar where true or false belongs"},
		"a quota of none":                 {"settings: {quotas: {keys: 0}}\n", "settings.quotas.keys: must be a number from 1 to 10000000"},
		"a delay longer than an hour":     {"settings: {consistency-delay: 3601}\n", "settings.consistency-delay: must be a number of seconds from 0 to 3600"},
		"settings in more than one place": {"settings: {}\n-- more.yaml --\nsettings: {}\n", "settings: is already given at"},
	} {
		_, err := loadText([]byte(accounts + c.text))
		assert.ErrorContains(t, err, c.want, name)
	}
}
