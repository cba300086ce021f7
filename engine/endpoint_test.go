package engine_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/enginetest"
)

// at has a client connect to a listener of its name.
func (b bench) at(listener string) func(*kms.Options) {
	return func(o *kms.Options) { o.BaseEndpoint = aws.String(b.url(listener)) }
}

// by has a client go by a route.
func (b bench) by(r route) func(*kms.Options) {
	return func(o *kms.Options) {
		o.BaseEndpoint, o.HTTPClient = aws.String(b.url(r.listener)), &http.Client{Transport: enginetest.Own{Base: b.transport(r)}}
	}
}

func TestAddressHasAnotherNameThroughAnEndpoint(t *testing.T) {
	b := newNetworks(t, enginetest.Config{})
	proxied := b.by(route{listener: "proxied", from: proxy, first: proxyHeader(t, "-")})
	for _, c := range []struct {
		name, condition string
		way             func(*kms.Options)
		allowed         bool
	}{
		{"directly", `{"IpAddress":{"aws:SourceIp":"127.0.0.1"},"Null":{"aws:VpcSourceIp":"true","aws:SourceVpce":"true","aws:SourceVpc":"true"}}`, b.at(""), true},
		{"through an endpoint there is no aws:SourceIp", `{"Null":{"aws:SourceIp":"true"},"IpAddress":{"aws:VpcSourceIp":"127.0.0.1"}}`, b.at("inside"), true},
		{"a condition on aws:SourceIp does not hold there", `{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, b.at("inside"), false},
		{"behind a proxy it is the client's", `{"IpAddress":{"aws:VpcSourceIp":"192.0.2.7"}}`, proxied, true},
		{"the VPC", `{"StringEquals":{"aws:SourceVpc":"vpc-0a0a0a0a"}}`, b.at("inside"), true},
		{"another VPC", `{"StringEquals":{"aws:SourceVpc":"vpc-0b0b0b0b"}}`, b.at("inside"), false},
	} {
		key := b.newKey(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
			{"Effect":"Allow","Principal":{"AWS":"` + nobodyARN + `"},"Action":"kms:DescribeKey","Resource":"*","Condition":` + c.condition + `}]}`)
		_, err := b.KMS(nobody, region, c.way).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
		assert.Equal(t, c.allowed, err == nil, "%s: %v", c.name, err)
	}
}

func TestPolicyOfTheEndpointIsAsked(t *testing.T) {
	b := newNetworks(t, enginetest.Config{})
	key := b.newKey(allowing("111122223333"))
	narrow := b.KMS(alice, region, b.at("narrow"))
	blob, err := narrow.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x")})
	require.NoError(t, err)
	answers(t, []ask{
		{"what it does not allow", func() error {
			return second(narrow.Decrypt(b.ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: blob.CiphertextBlob}))
		}, "AccessDeniedException: User: " + aliceARN + " is not authorized to perform: kms:Decrypt on resource: " + key +
			" because no VPC endpoint policy allows the kms:Decrypt action"},
		{"what it denies", func() error {
			return second(b.KMS(fenced, region, b.at("narrow")).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
		}, "AccessDeniedException: User: arn:aws:iam::111122223333:user/fenced is not authorized to perform: kms:DescribeKey on resource: " + key +
			" with an explicit deny in a VPC endpoint policy"},
		{"an account in it is everyone in the account, and no permission by itself", func() error {
			return second(b.KMS(nobody, region, b.at("narrow")).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
		}, "AccessDeniedException: User: " + nobodyARN + " is not authorized to perform: kms:DescribeKey on resource: " + key +
			" because no identity-based policy allows the kms:DescribeKey action"},
		{"an endpoint without policy allows all", func() error {
			return second(b.KMS(alice, region, b.at("inside")).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: blob.CiphertextBlob}))
		}, "ok"},
		{"an endpoint of another Region", func() error {
			return second(b.KMS(alice, region, b.at("elsewhere")).ListKeys(b.ctx, &kms.ListKeysInput{}))
		}, "AccessDeniedException: The VPC endpoint vpce-01010101010101010 leads to the Region eu-west-1 only."},
		{"in that Region", func() error {
			return second(b.KMS(alice, "eu-west-1", b.at("elsewhere")).ListKeys(b.ctx, &kms.ListKeysInput{}))
		}, "ok"},
	})
}

// TestWhatOnlyTheEndpointRefusedIsNotRecorded holds CT-007: such calls are in
// the operator's decision log alone.
func TestWhatOnlyTheEndpointRefusedIsNotRecorded(t *testing.T) {
	b := newNetworks(t, enginetest.Config{})
	key := b.newKey(allowing("111122223333"))
	locked := b.newKey(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":"kms:ReEncryptTo","Resource":"*"}]}`)
	blob, err := b.as(alice).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x")})
	require.NoError(t, err)
	narrow := b.KMS(alice, region, b.at("narrow"))
	for _, c := range []struct {
		name    string
		call    func() error
		records int
	}{
		{"only the endpoint's policy refuses", func() error {
			return second(narrow.Decrypt(b.ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: blob.CiphertextBlob}))
		}, 0},
		{"the same by an explicit deny", func() error {
			return second(b.KMS(fenced, region, b.at("narrow")).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
		}, 0},
		{"only of the second key", func() error {
			return second(narrow.ReEncrypt(b.ctx, &kms.ReEncryptInput{CiphertextBlob: blob.CiphertextBlob, SourceKeyId: &key, DestinationKeyId: &key}))
		}, 0},
		{"the key's policy refuses too", func() error {
			return second(narrow.ReEncrypt(b.ctx, &kms.ReEncryptInput{CiphertextBlob: blob.CiphertextBlob, SourceKeyId: &key, DestinationKeyId: &locked}))
		}, 1},
		{"the caller's policies refuse too", func() error {
			return second(b.KMS(nobody, region, b.at("narrow")).Decrypt(b.ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: blob.CiphertextBlob}))
		}, 1},
		{"the network refuses", func() error {
			return second(b.KMS(alice, region, b.at("unbound")).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
		}, 1},
		{"nothing refuses", func() error {
			return second(narrow.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x")}))
		}, 1},
	} {
		before := len(b.DecisionLog())
		events, err := b.recorded(c.call)
		assert.Len(t, events, c.records, "%s: %v", c.name, err)
		if c.records == 0 {
			assert.Contains(t, b.DecisionLog()[before:], `"layer":"endpoint"`, c.name)
		}
	}
}

// TestRecordsNameTheEndpoint holds CT-008 and CT-039.
func TestRecordsNameTheEndpoint(t *testing.T) {
	b := newNetworks(t, enginetest.Config{})
	key := b.newKey(openTo("111122223333"))
	theirs := b.keyOf(carol, openTo("444455556666"))
	describe := func(k enginetest.Keys, key string, way func(*kms.Options)) func() error {
		return func() error {
			return second(b.KMS(k, region, way).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
		}
	}
	for _, c := range []struct {
		name, want string
		call       func() error
	}{
		{"caller, endpoint and key in one account", endpointID("a"), describe(alice, key, b.at("inside"))},
		{"no endpoint", "", describe(alice, key, b.at(""))},
		{"a caller of another account", "", describe(carol, theirs, b.at("inside"))},
		{"a key of another account", "", describe(alice, theirs, b.at("inside"))},
		{"behind a proxy", endpointID("d"), describe(alice, key, b.by(route{from: proxy, first: proxyHeader(t, endpointID("d"))}))},
	} {
		events, err := b.recorded(c.call)
		require.NoError(t, err, c.name)
		for _, e := range events {
			assert.Equal(t, c.want, e.VPCEndpointID, c.name)
		}
		if c.want == endpointID("d") {
			assert.Equal(t, "192.0.2.7", events[0].SourceIPAddress)
		}
	}
}

func TestConnectionThatIsOlderThanItsEndpointIsRefused(t *testing.T) {
	b := newNetworks(t, enginetest.Config{Watch: true})
	var connections http.Transport
	defer connections.CloseIdleConnections()
	kept := b.KMS(alice, region, func(o *kms.Options) { o.HTTPClient = &http.Client{Transport: enginetest.Own{Base: &connections}} })
	list := func() error { return second(kept.ListKeys(b.ctx, &kms.ListKeysInput{})) }
	require.NoError(t, list())
	before := b.World().Digest()
	b.EditWorld("vpc-0d0d0d0d, peers: [127.0.0.9/32]", "vpc-0d0d0d0d, peers: [127.0.0.0/8]")
	require.Eventually(t, func() bool { return b.World().Digest() != before }, 10*time.Second, 5*time.Millisecond)
	assert.Equal(t, "AccessDeniedException: The connection is older than the VPC endpoints that are known now. Connect again.", said(list()))
}

// TestRecordsOfAForeignKeyAreTheSameForAbsentAndRefused holds A-20 for what
// the network adds to records.
func TestRecordsOfAForeignKeyAreTheSameForAbsentAndRefused(t *testing.T) {
	b := newNetworks(t, enginetest.Config{})
	present := b.keyOf(carol, allowing("444455556666"))
	absent := "arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	told := func(key string) string {
		events, err := b.recorded(func() error {
			return second(b.KMS(alice, region, b.at("inside")).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
		})
		require.Error(t, err)
		require.Len(t, events, 1)
		events[0].EventID, events[0].RequestID = "", ""
		text, err := events[0].JSON()
		require.NoError(t, err)
		return strings.ReplaceAll(string(text), key, "KEY")
	}
	assert.Equal(t, told(absent), told(present))
}
