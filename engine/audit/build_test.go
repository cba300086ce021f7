package audit

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
)

func build(t *testing.T, c Call) []Event {
	t.Helper()
	events, err := Build(c)
	require.NoError(t, err)
	return events
}

func decrypt() Call {
	return call("Decrypt", &wire.DecryptInput{KeyId: aws.String(foreignKey)}, &wire.DecryptOutput{})
}

// recipients are the accounts that get a record, in order.
func recipients(events []Event) (list []string) {
	for _, e := range events {
		list = append(list, e.RecipientAccountID)
	}
	return list
}

func TestWhoGetsARecord(t *testing.T) {
	denied := wire.Errorf(wire.AccessDenied, "no")
	service := Identity{Kind: Service, InvokedBy: "workmail.eu-central-1.amazonaws.com"}
	tests := []struct {
		name   string
		change func(*Call)
		want   []string
	}{
		{"use of an own key: the account", func(*Call) {}, []string{testAccount}},
		{"use of a foreign key: caller and owner (CT-005)", func(c *Call) { c.Keys = []string{foreignKey} }, []string{testAccount, otherAccount}},
		{"a refusal across accounts: the caller (CT-006)", func(c *Call) { c.Keys, c.Allowed, c.Err = []string{foreignKey}, false, denied }, []string{testAccount}},
		{"a failure after permission across accounts: both", func(c *Call) {
			c.Keys, c.Err = []string{foreignKey}, wire.Errorf(wire.KMSInvalidState, "%s is pending deletion.", foreignKey)
		}, []string{testAccount, otherAccount}},
		{"own and foreign key: both", func(c *Call) { c.Keys = []string{testKey, foreignKey} }, []string{testAccount, otherAccount}},
		{"two keys of one other account: both, once", func(c *Call) { c.Keys = []string{foreignKey, foreignKey} }, []string{testAccount, otherAccount}},
		{"refused by the endpoint's policy alone: nobody (CT-007)", func(c *Call) { c.Unrecorded, c.Allowed, c.Err = true, false, denied }, nil},
		{"a service's own call: the owner", func(c *Call) { c.Caller = service }, []string{testAccount}},
		{"a service's own call that is refused: the owner", func(c *Call) { c.Caller, c.Allowed, c.Err = service, false, denied }, []string{testAccount}},
		{"a service's call on no key: nobody", func(c *Call) { c.Caller, c.Keys = service, nil }, nil},
		{"no key at all: the caller", func(c *Call) { c.Keys = nil }, []string{testAccount}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events := build(t, decrypt().with(tt.change))
			assert.Equal(t, tt.want, recipients(events))
			seen := map[string]bool{}
			for _, e := range events {
				assert.False(t, seen[e.EventID], "each record has its own eventID")
				seen[e.EventID] = true
				assert.Equal(t, events[0].RequestID, e.RequestID)
				assert.Equal(t, len(events) > 1 || strings.HasPrefix(tt.name, "a service"), e.SharedEventID != "")
				assert.Equal(t, events[0].SharedEventID, e.SharedEventID)
			}
		})
	}
}

func TestRecordsAreTheSameWhenATransactionRunsAgain(t *testing.T) {
	c := decrypt().with(func(c *Call) { c.Keys = []string{foreignKey} })
	assert.Equal(t, build(t, c), build(t, c))
}

func TestOwnersCopyTellsLittleOfTheCaller(t *testing.T) {
	c := decrypt().with(func(c *Call) {
		c.Keys = []string{testKey, foreignKey}
		c.Additional = Additional{CustomKeyStoreID: "cks-1", Authorization: json.RawMessage(`{"policy":"private"}`)}
	})
	events := build(t, c)
	require.Len(t, events, 2)
	assert.JSONEq(t, `{"type":"AWSAccount","principalId":"AIDAINVENTED00000001","accountId":"444400001111"}`, string(events[1].UserIdentity))
	assert.Equal(t, []Resource{{otherAccount, "AWS::KMS::Key", foreignKey}}, events[1].Resources)
	assert.Equal(t, &Additional{CustomKeyStoreID: "cks-1"}, events[1].AdditionalEventData)
	assert.Len(t, events[0].Resources, 2)
	assert.JSONEq(t, `{"policy":"private"}`, string(events[0].AdditionalEventData.Authorization))

	c.Additional.CustomKeyStoreID = ""
	assert.Nil(t, build(t, c)[1].AdditionalEventData)
}

// the record of a refusal across accounts does not tell whether there is
// such a key.
func TestRefusalAcrossAccountsHidesTheKey(t *testing.T) {
	refuse := func(keys ...string) []Event {
		return build(t, decrypt().with(func(c *Call) {
			c.Keys, c.Allowed, c.Err = keys, false, wire.Errorf(wire.AccessDenied, "no")
		}))
	}
	assert.Equal(t, refuse(), refuse(foreignKey))
	own := build(t, decrypt().with(func(c *Call) { c.Allowed, c.Err = false, wire.Errorf(wire.AccessDenied, "no") }))
	assert.Equal(t, []Resource{{testAccount, "AWS::KMS::Key", testKey}}, own[0].Resources, "a refusal keeps the keys of the account (CT-090)")
}

func TestErrorsInRecords(t *testing.T) {
	tests := []struct {
		name          string
		err           *wire.Error
		code, message string
	}{
		{"denied has another name in records (CT-094)", wire.Errorf(wire.AccessDenied, "User: x is not authorized"), "AccessDenied", "User: x is not authorized"},
		{"others do not", wire.Errorf(wire.Validation, "1 validation error"), "ValidationException", "1 validation error"},
		{"a code without a message", &wire.Error{Code: wire.InvalidKeyUsage}, "InvalidKeyUsageException", ""},
		{"no code", &wire.Error{Message: "x"}, "KMSInternalException", "x"},
		{"the canonical request is left out", wire.Errorf(wire.InvalidSignature, "does not match.\n\nThe Canonical String"), "InvalidSignatureException", "does not match."},
		{"a long message is cut between characters", wire.Errorf(wire.Validation, "x%s", strings.Repeat("ä", 1000)), "ValidationException", "x" + strings.Repeat("ä", 511)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := build(t, decrypt().with(func(c *Call) { c.Err = tt.err }))[0]
			assert.Equal(t, tt.code, e.ErrorCode)
			assert.Equal(t, tt.message, e.ErrorMessage)
			assert.Nil(t, e.ResponseElements)
		})
	}
}

func TestInputThatCouldNotBeReadIsNull(t *testing.T) {
	e := build(t, decrypt().with(func(c *Call) { c.Input, c.Keys, c.Err = nil, nil, wire.Errorf(wire.Validation, "x") }))[0]
	line, err := e.JSON()
	require.NoError(t, err)
	assert.Contains(t, string(line), `"requestParameters":null,"responseElements":null`)
	assert.Contains(t, string(line), `"resources":[]`)
}

func TestWhereACallCameFrom(t *testing.T) {
	vpce := Endpoint{ID: "vpce-1", Account: testAccount}
	e := build(t, decrypt().with(func(c *Call) { c.Endpoint = vpce; c.SourceIP = netip.MustParseAddr("::ffff:10.0.0.1") }))[0]
	assert.Equal(t, "10.0.0.1", e.SourceIPAddress)
	assert.Equal(t, "vpce-1", e.VPCEndpointID)

	e = build(t, decrypt().with(func(c *Call) { c.Endpoint = vpce; c.Keys = []string{foreignKey} }))[0]
	assert.Empty(t, e.VPCEndpointID, "not for keys of other accounts (CT-008)")
	e = build(t, decrypt().with(func(c *Call) { c.Endpoint = Endpoint{"vpce-1", otherAccount} }))[0]
	assert.Empty(t, e.VPCEndpointID, "not for endpoints of other accounts (CT-008)")

	e = build(t, decrypt().with(func(c *Call) { c.Caller.InvokedBy = "s3.amazonaws.com" }))[0]
	assert.Equal(t, "s3.amazonaws.com", e.SourceIPAddress)
	assert.Equal(t, "s3.amazonaws.com", e.UserAgent)
	assert.Nil(t, e.TLSDetails, "absent when a service calls (CT-040)")
	assert.Contains(t, string(e.UserIdentity), `"invokedBy":"s3.amazonaws.com"`)

	e = build(t, decrypt().with(func(c *Call) { c.TLS, c.SourceIP, c.UserAgent = nil, netip.Addr{}, "" }))[0]
	line, err := e.JSON()
	require.NoError(t, err)
	assert.NotContains(t, string(line), "tlsDetails")
	assert.NotContains(t, string(line), "userAgent")
}

func TestIdentityForms(t *testing.T) {
	federated := Identity{
		Kind: Federated, Account: testAccount, PrincipalID: testAccount + ":pat", ARN: "arn:aws:sts::444400001111:federated-user/pat", AccessKeyID: "ASIA1",
		Session: &Session{MFA: true, Issuer: &Issuer{"IAMUser", "AIDA1", "arn:aws:iam::444400001111:user/Noor", testAccount, "Noor"}},
	}
	web := reader
	web.Session = &Session{Created: testTime, Provider: "accounts.example.com", SourceIdentity: "noor"}
	tests := []struct {
		name string
		i    Identity
		want string
	}{
		{"a user (CT-050)", noor, `{"type":"IAMUser","principalId":"AIDAINVENTED00000001","arn":"arn:aws:iam::444400001111:user/Noor","accountId":"444400001111",
			"accessKeyId":"AKIAINVENTED00000001","userName":"Noor"}`},
		{"the root user", Identity{Kind: Root, Account: testAccount, PrincipalID: testAccount, ARN: "arn:aws:iam::444400001111:root", AccessKeyID: "AKIA1"},
			`{"type":"Root","principalId":"444400001111","arn":"arn:aws:iam::444400001111:root","accountId":"444400001111","accessKeyId":"AKIA1"}`},
		{"a role (CT-051)", reader, `{"type":"AssumedRole","principalId":"AROAINVENTED00000001:sess-7","arn":"arn:aws:sts::444400001111:assumed-role/Reader/sess-7",
			"accountId":"444400001111","accessKeyId":"ASIAINVENTED00000001","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAINVENTED00000001",
			"arn":"arn:aws:iam::444400001111:role/Reader","accountId":"444400001111","userName":"Reader"},
			"attributes":{"creationDate":"2026-11-23T08:08:07Z","mfaAuthenticated":"false"}}}`},
		{"a web identity", web, `{"type":"AssumedRole","principalId":"AROAINVENTED00000001:sess-7","arn":"arn:aws:sts::444400001111:assumed-role/Reader/sess-7",
			"accountId":"444400001111","accessKeyId":"ASIAINVENTED00000001","sessionContext":{"webIdFederationData":{"federatedProvider":"accounts.example.com"},
			"sourceIdentity":"noor","attributes":{"creationDate":"2026-11-23T09:08:07Z","mfaAuthenticated":"false"}}}`},
		{"a federated user", federated, `{"type":"FederatedUser","principalId":"444400001111:pat","arn":"arn:aws:sts::444400001111:federated-user/pat",
			"accountId":"444400001111","accessKeyId":"ASIA1","sessionContext":{"sessionIssuer":{"type":"IAMUser","principalId":"AIDA1",
			"arn":"arn:aws:iam::444400001111:user/Noor","accountId":"444400001111","userName":"Noor"},"attributes":{"mfaAuthenticated":"true"}}}`},
		{"a service (CT-053)", Identity{Kind: Service, InvokedBy: "workmail.eu-west-1.amazonaws.com"},
			`{"type":"AWSService","invokedBy":"workmail.eu-west-1.amazonaws.com"}`},
		{"the service itself (CT-054)", Identity{Kind: Internal, Account: testAccount}, `{"accountId":"444400001111","invokedBy":"AWS Internal"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.i.json()
			require.NoError(t, err)
			assert.JSONEq(t, tt.want, string(got))
		})
	}
	_, err := Identity{}.json()
	require.Error(t, err)
}

func TestBuildRefusesWhatItDoesNotKnow(t *testing.T) {
	_, err := Build(decrypt().with(func(c *Call) { c.Operation = "DropTables" }))
	require.EqualError(t, err, `a record of the unknown operation "DropTables"`)
	_, err = Build(decrypt().with(func(c *Call) { c.EventID = "" }))
	require.EqualError(t, err, "a record without a UUID as its id")
	_, err = Build(decrypt().with(func(c *Call) { c.Input = &wire.EncryptInput{} }))
	require.EqualError(t, err, "a record of *wire.EncryptInput, want *wire.DecryptInput")
	_, err = Build(decrypt().with(func(c *Call) { c.Caller.Kind = "" }))
	require.ErrorContains(t, err, "unknown kind")
	_, err = Build(decrypt().with(func(c *Call) { c.Keys = []string{foreignKey}; c.Additional.Authorization = json.RawMessage("{") }))
	require.NoError(t, err)
}

func TestBrokenEvidenceIsAnError(t *testing.T) {
	e := build(t, decrypt().with(func(c *Call) { c.Additional.Authorization = json.RawMessage("{") }))[0]
	_, err := e.JSON()
	require.ErrorContains(t, err, "encoding the record of Decrypt")
	_, err = Lines(decrypt().with(func(c *Call) { c.Additional.Authorization = json.RawMessage("{") }))
	require.Error(t, err)
}

func TestPartsThatAreTooLargeAreReplaced(t *testing.T) {
	policy := strings.Repeat("x", maxPart)
	e := build(t, call("PutKeyPolicy", &wire.PutKeyPolicyInput{KeyId: testKeyID, Policy: policy}, nil))[0]
	assert.JSONEq(t, `{"omitted":true,"originalSize":102522,"reason":"requestParameters is too large"}`, string(e.RequestParameters))
}

func TestEvidenceThatIsTooLargeIsReplaced(t *testing.T) {
	with := func(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("x", n-2) + `"`) }
	for n, want := range map[int]string{
		maxEvidence:     string(with(maxEvidence)),
		maxEvidence + 1: `{"omitted":true,"originalSize":16385,"reason":"authorization is too large"}`,
	} {
		given := decrypt().with(func(c *Call) { c.Additional = Additional{GrantID: "g", Authorization: with(n)} })
		e := build(t, given)[0]
		assert.JSONEq(t, want, string(e.AdditionalEventData.Authorization))
		assert.Equal(t, "g", e.AdditionalEventData.GrantID)
		assert.Len(t, given.Additional.Authorization, n)
	}
}

func TestSecondRecordOnlyOfSuccess(t *testing.T) {
	failed := func(c *Call) { c.Err = wire.Errorf(wire.KMSInvalidState, "x") }
	assert.Len(t, build(t, replicateKey()), 2)
	assert.Len(t, build(t, replicateKey().with(failed)), 1)
	move := call("UpdatePrimaryRegion", &wire.UpdatePrimaryRegionInput{KeyId: mrk, PrimaryRegion: "eu-west-3"}, nil)
	assert.Len(t, build(t, move), 2)
	assert.Len(t, build(t, move.with(failed)), 1)
	assert.Len(t, build(t, move.with(func(c *Call) { c.Keys = nil })), 1)
	assert.Len(t, build(t, call("ReplicateKey", &wire.ReplicateKeyInput{}, &wire.ReplicateKeyOutput{})), 1)
}

func TestLinesAreOneRecordEach(t *testing.T) {
	lines, err := Lines(replicateKey())
	require.NoError(t, err)
	require.Len(t, lines, 2)
	for _, line := range lines {
		assert.NotContains(t, string(line), "\n")
		assert.True(t, json.Valid(line))
	}
	_, err = Lines(Call{})
	require.Error(t, err)
}

func TestSTSIsAnotherSource(t *testing.T) {
	e := build(t, call("GetCallerIdentity", &sts.GetCallerIdentityInput{}, nil))[0]
	assert.Equal(t, "sts.amazonaws.com", e.EventSource)
	assert.Nil(t, e.Resources)
	assert.True(t, e.ReadOnly)
}

func BenchmarkBuild(b *testing.B) {
	c := call("Encrypt", &wire.EncryptInput{KeyId: "alias/ledger", Plaintext: []byte("p"), EncryptionContext: blue}, &wire.EncryptOutput{})
	c.Caller = reader
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Lines(c); err != nil {
			b.Fatal(err)
		}
	}
}
