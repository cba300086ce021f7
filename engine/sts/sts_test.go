package sts

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/wire"
)

const testRole = "arn:aws:iam::444400001111:role/team/Reader"

func post(pairs ...string) wire.Request {
	form := url.Values{"Version": {Version}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return wire.Request{
		Method: http.MethodPost, Path: "/", Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}},
	}
}

func TestSpeaks(t *testing.T) {
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	tests := []struct {
		name string
		r    wire.Request
		want bool
	}{
		{"a posted form", wire.Request{Method: "POST", Path: "/", Header: form}, true},
		{"a query with an action", wire.Request{Method: "GET", Path: "/", RawQuery: "Version=x&Action=GetCallerIdentity"}, true},
		{"a query without one", wire.Request{Method: "GET", Path: "/", RawQuery: "x=y"}, false},
		{"JSON", wire.Request{Method: "POST", Path: "/", Header: http.Header{"Content-Type": {wire.ContentType}}}, false},
		{"a form elsewhere", wire.Request{Method: "POST", Path: "/x", Header: form}, false},
		{"another method", wire.Request{Method: "PUT", Path: "/", Header: form}, false},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, Speaks(tt.r), tt.name)
	}
}

func TestActionIsNamed(t *testing.T) {
	for _, name := range Actions() {
		got, err := Action(post("Action", name))
		require.Nil(t, err)
		assert.Equal(t, name, got)
	}
	tests := []struct {
		name string
		r    wire.Request
		code wire.Code
		want string
	}{
		{"no action", post(), MissingAction, "The request names no action."},
		{"an action of another API", post("Action", "CreateUser"), InvalidAction, "Could not find operation CreateUser for version 2011-06-15"},
		{"an action that does not exist here", post("Action", "GetFederationToken"), InvalidAction, "Could not find operation GetFederationToken for version 2011-06-15"},
		{"another version", post("Action", AssumeRole, "Version", "2010-01-01"), NoSuchVersion,
			"The requested version (2010-01-01) of service AWSSecurityTokenService does not exist"},
		{"an action twice", wire.Request{Method: "GET", RawQuery: "Action=AssumeRole&Action=GetCallerIdentity&Version=2011-06-15"}, MalformedInput,
			"The request is malformed: the parameter 'Action' occurs more than once."},
		{"a query that cannot be read", wire.Request{Method: "GET", RawQuery: "Action=%zz"}, MalformedInput,
			"The request is malformed: the query string cannot be read."},
		{"a form that cannot be read", wire.Request{Method: "POST", Body: []byte("a;b")}, MalformedInput,
			"The request is malformed: the form cannot be read."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Action(tt.r)
			require.NotNil(t, err)
			assert.Equal(t, tt.code, err.Code)
			assert.Equal(t, tt.want, err.Message)
		})
	}
}

func TestDecodeReadsEveryParameter(t *testing.T) {
	in, err := Decode(AssumeRole, post("Action", AssumeRole, "RoleArn", testRole, "RoleSessionName", "sess-7",
		"Policy", `{"Version":"2012-10-17"}`, "PolicyArns.member.2.arn", "arn:aws:iam::444400001111:policy/B", "PolicyArns.member.1.arn",
		"arn:aws:iam::444400001111:policy/A", "DurationSeconds", "900", "Tags.member.1.Key", "team", "Tags.member.1.Value", "ledger",
		"Tags.member.10.Key", "Zürich", "Tags.member.10.Value", "", "TransitiveTagKeys.member.1", "team", "ExternalId", "x/1",
		"SourceIdentity", "noor@example", "SerialNumber", "arn:aws:iam::444400001111:mfa/noor", "TokenCode", "123456"))
	require.Nil(t, err)
	assert.Equal(t, &AssumeRoleInput{
		RoleARN: testRole, RoleSessionName: "sess-7", Policy: `{"Version":"2012-10-17"}`,
		PolicyARNs:      []string{"arn:aws:iam::444400001111:policy/A", "arn:aws:iam::444400001111:policy/B"},
		DurationSeconds: 900, Tags: []Tag{{"team", "ledger"}, {"Zürich", ""}}, TransitiveTagKeys: []string{"team"},
		ExternalID: "x/1", SourceIdentity: "noor@example", SerialNumber: "arn:aws:iam::444400001111:mfa/noor", TokenCode: "123456",
	}, in)

	in, err = Decode(AssumeRole, post("Action", AssumeRole, "RoleArn", testRole, "RoleSessionName", "sess-7", "Tags", "", "PolicyArns", ""))
	require.Nil(t, err)
	assert.Equal(t, &AssumeRoleInput{RoleARN: testRole, RoleSessionName: "sess-7", DurationSeconds: 3600}, in)

	in, err = Decode(GetSessionToken, post("Action", GetSessionToken, "SerialNumber", "GAHT12345678", "TokenCode", "123456"))
	require.Nil(t, err)
	assert.Equal(t, &GetSessionTokenInput{DurationSeconds: 43200, SerialNumber: "GAHT12345678", TokenCode: "123456"}, in)

	in, err = Decode(GetCallerIdentity, wire.Request{Method: "GET", RawQuery: "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Signature=00"})
	require.Nil(t, err)
	assert.Equal(t, &GetCallerIdentityInput{}, in)

	in, err = Decode(DecodeAuthorizationMessage, post("EncodedMessage", "abc"))
	require.Nil(t, err)
	assert.Equal(t, &DecodeAuthorizationMessageInput{EncodedMessage: "abc"}, in)
}

const one = "1 validation error detected: "

var good = []string{"RoleArn", testRole, "RoleSessionName", "sess-7"}

func goodWith(pairs ...string) []string { return append(slices.Clone(good), pairs...) }

var constraintFaults = []struct {
	name   string
	action string
	pairs  []string
	code   wire.Code
	want   string
}{
	{"nothing at all", AssumeRole, nil, ValidationError, "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; " +
		"Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"},
	{"a session name with a blank", AssumeRole, []string{"RoleArn", testRole, "RoleSessionName", "a b"}, ValidationError,
		one + `Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
	{"a session name of one character", AssumeRole, []string{"RoleArn", testRole, "RoleSessionName", "a"}, ValidationError,
		one + "Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"},
	{"a session name of 65 characters", AssumeRole, []string{"RoleArn", testRole, "RoleSessionName", strings.Repeat("a", 65)}, ValidationError,
		one + "Value '" + strings.Repeat("a", 65) + "' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
	{"a short role ARN", AssumeRole, []string{"RoleArn", "arn", "RoleSessionName", "sess"}, ValidationError,
		one + "Value 'arn' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20"},
	{"the ARN of a user", AssumeRole, []string{"RoleArn", "arn:aws:iam::444400001111:user/Noor", "RoleSessionName", "sess"}, ValidationError, "Request ARN is invalid"},
	{"an ARN with a short account", AssumeRole, []string{"RoleArn", "arn:aws:iam::44440000111:role/Reader", "RoleSessionName", "sess"}, ValidationError, "Request ARN is invalid"},
	{"too short a session", AssumeRole, goodWith("DurationSeconds", "899"), ValidationError,
		one + "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
	{"too long a session", AssumeRole, goodWith("DurationSeconds", "43201"), ValidationError,
		one + "Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"},
	{"too long a session of a user", GetSessionToken, []string{"DurationSeconds", "129601"}, ValidationError,
		one + "Value '129601' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 129600"},
	{"a duration that is no number", AssumeRole, goodWith("DurationSeconds", "1h"), MalformedInput, "The request is malformed: 'DurationSeconds' is not an integer."},
	{"a policy in Chinese", AssumeRole, goodWith("Policy", "政策"), ValidationError,
		one + `Value at 'policy' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`},
	{"a long policy, which is not shown", AssumeRole, goodWith("Policy", strings.Repeat("x", 2049)), ValidationError,
		one + "Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048"},
	{"an empty policy", AssumeRole, goodWith("Policy", ""), ValidationError,
		"2 validation errors detected: Value at 'policy' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+; " +
			"Value at 'policy' failed to satisfy constraint: Member must have length greater than or equal to 1"},
	{"a code of letters, which is not shown", AssumeRole, goodWith("TokenCode", "abcdef"), ValidationError,
		one + `Value at 'tokenCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [\d]*`},
	{"a tag without value", AssumeRole, goodWith("Tags.member.1.Key", "team"), ValidationError,
		one + "Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null"},
	{"a tag key with an exclamation mark", AssumeRole, goodWith("Tags.member.1.Key", "t!", "Tags.member.1.Value", ""), ValidationError,
		one + `Value 't!' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`},
	{"tag keys that differ in case only", AssumeRole, goodWith("Tags.member.1.Key", "Team", "Tags.member.1.Value", "", "Tags.member.2.Key", "team", "Tags.member.2.Value", ""),
		InvalidParameterValue, "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
	{"a tag of AWS", AssumeRole, goodWith("Tags.member.1.Key", "AWS:x", "Tags.member.1.Value", ""),
		InvalidParameterValue, "aws: prefixed tag key names are not allowed for external use."},
	{"eleven policies", AssumeRole, goodWith(members("PolicyArns.member.%.arn", "arn:aws:iam::444400001111:policy/A", 11)...), ValidationError,
		one + "Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10"},
	{"a member number zero", AssumeRole, goodWith("TransitiveTagKeys.member.0", "team"), MalformedInput,
		"The request is malformed: the action has no parameter 'TransitiveTagKeys.member.0'."},
	{"a parameter of another action", GetCallerIdentity, []string{"RoleArn", testRole}, MalformedInput, "The request is malformed: the action has no parameter 'RoleArn'."},
	{"contexts, which could limit", AssumeRole, goodWith("ProvidedContexts.member.1.ProviderArn", "x"), MalformedInput,
		"The request is malformed: the action has no parameter 'ProvidedContexts.member.1.ProviderArn'."},
	{"no message", DecodeAuthorizationMessage, nil, ValidationError,
		one + "Value null at 'encodedMessage' failed to satisfy constraint: Member must not be null"},
	{"an action that is not there", "GetFederationToken", nil, InvalidAction, "Could not find operation GetFederationToken for version 2011-06-15"},
}

func TestConstraintsOfTheAPIReference(t *testing.T) {
	for _, tt := range constraintFaults {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode(tt.action, post(tt.pairs...))
			require.NotNil(t, err)
			assert.Equal(t, tt.code, err.Code)
			assert.Equal(t, tt.want, err.Message)
		})
	}
}

func members(key, value string, n int) (pairs []string) {
	for i := range n {
		pairs = append(pairs, strings.Replace(key, "%", string(rune('0'+(i+1)/10))+string(rune('0'+(i+1)%10)), 1), value)
	}
	for i := range pairs {
		pairs[i] = strings.Replace(pairs[i], "member.0", "member.", 1)
	}
	return pairs
}

func FuzzDecode(f *testing.F) {
	f.Add("AssumeRole", "Action=AssumeRole&RoleArn="+testRole+"&RoleSessionName=a&Tags.member.1.Key=k&Tags.member.1.Value=v", "")
	f.Add("GetSessionToken", "DurationSeconds=900", "Tags=&PolicyArns.member.1.arn=x")
	f.Add("DecodeAuthorizationMessage", "EncodedMessage=%00", "")
	f.Fuzz(func(t *testing.T, action, query, form string) {
		r := wire.Request{Method: http.MethodPost, Path: "/", RawQuery: query, Body: []byte(form)}
		if _, err := Action(r); err != nil {
			require.NotEmpty(t, err.Code)
		}
		in, err := Decode(action, r)
		require.Equal(t, err == nil, in != nil)
		if in, ok := in.(*AssumeRoleInput); ok {
			require.True(t, isRoleARN(in.RoleARN))
			require.LessOrEqual(t, len(in.Policy), 2*2048)
			require.LessOrEqual(t, len(in.Tags), 50)
		}
	})
}
