package sts

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/testtool"
	"github.com/keyreeve/keyreeve/engine/sigv4"
	"github.com/keyreeve/keyreeve/engine/wire"
)

const (
	clientKeyID  = "AKIAINVENTED00000001"
	clientSecret = "a secret of the test"
	clientRegion = "eu-central-1"
)

// serve is an STS for clients, with one user who may assume any role.
func serve(t *testing.T) string {
	t.Helper()
	tokens := NewTokens(rootKey(t), nil)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		body, err := io.ReadAll(h.Body)
		assert.NoError(t, err)
		r := wire.Request{Method: h.Method, Path: h.URL.EscapedPath(), RawQuery: h.URL.RawQuery, Host: h.Host, Header: h.Header, Body: body}
		answer, err := handle(tokens, r)
		if err != nil {
			answer = EncodeError(wire.AsError(err), testID)
		}
		for name, values := range answer.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Status)
		_, err = w.Write(answer.Body)
		assert.NoError(t, err)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func handle(tokens *Tokens, r wire.Request) (wire.Response, error) {
	if !Speaks(r) {
		return wire.Response{}, errors.New("not the Query protocol")
	}
	action, fault := Action(r)
	if fault != nil {
		return wire.Response{}, fault
	}
	caller, fault := authenticate(tokens, r)
	if fault != nil {
		return wire.Response{}, fault
	}
	in, fault := Decode(action, r)
	if fault != nil {
		return wire.Response{}, fault
	}
	out, err := act(tokens, caller, in)
	if err != nil {
		return wire.Response{}, err
	}
	return Encode(out, testID)
}

func authenticate(tokens *Tokens, r wire.Request) (Session, *wire.Error) {
	now := time.Now()
	s, fault := sigv4.Parse(r)
	if fault != nil {
		return Session{}, fault
	}
	if fault := s.Check(sigv4.Scope{Service: "sts", Regions: []string{clientRegion}}, now); fault != nil {
		return Session{}, fault
	}
	caller := Session{PrincipalID: "AIDAINVENTED", PrincipalARN: "arn:aws:iam::444400001111:user/Noor", SecretKey: seal.NewSecret([]byte(clientSecret))}
	if s.AccessKeyID != clientKeyID {
		var err error
		if caller, err = tokens.Open(s.AccessKeyID, s.SessionToken, now); err != nil {
			return Session{}, wire.AsError(err)
		}
	}
	return caller, s.Verify(r, caller.SecretKey, now)
}

func act(tokens *Tokens, caller Session, in any) (any, error) {
	switch in := in.(type) {
	case *GetCallerIdentityInput:
		return &GetCallerIdentityOutput{ARN: caller.PrincipalARN, UserID: caller.PrincipalID, Account: "444400001111"}, nil
	case *AssumeRoleInput:
		now := time.Now()
		s := Session{
			IssuedAt: now, Expires: now.Add(time.Duration(in.DurationSeconds) * time.Second), PrincipalID: "AROAINVENTED", PrincipalARN: in.RoleARN,
			Name: in.RoleSessionName, SourceIdentity: in.SourceIdentity, Tags: map[string]string{},
		}
		for _, tag := range in.Tags {
			s.Tags[tag.Key] = tag.Value
		}
		c, err := tokens.Issue(s)
		return &AssumeRoleOutput{
			AssumedRoleARN: "arn:aws:sts::444400001111:assumed-role/Reader/" + in.RoleSessionName, AssumedRoleID: "AROAINVENTED:" + in.RoleSessionName,
			Credentials: c, Packed: len(in.Tags) > 0, SourceIdentity: in.SourceIdentity,
		}, err
	case *GetSessionTokenInput:
		now := time.Now()
		c, err := tokens.Issue(Session{
			IssuedAt: now, Expires: now.Add(time.Duration(in.DurationSeconds) * time.Second), PrincipalID: caller.PrincipalID, PrincipalARN: caller.PrincipalARN,
		})
		return &GetSessionTokenOutput{c}, err
	case *DecodeAuthorizationMessageInput:
		return nil, wire.Errorf(InvalidAuthorizationMessage, "Message is not valid")
	}
	return nil, errors.New("an input of no action")
}

func client(url, keyID, secret, token string) *awssts.Client {
	return awssts.New(awssts.Options{
		BaseEndpoint: &url, Region: clientRegion, Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, token), RetryMaxAttempts: 1,
	})
}

func TestSDKForGo(t *testing.T) {
	ctx := t.Context()
	url := serve(t)
	user := client(url, clientKeyID, clientSecret, "")

	who, err := user.GetCallerIdentity(ctx, nil)
	require.NoError(t, err)
	assert.Equal(t, "arn:aws:iam::444400001111:user/Noor", *who.Arn)
	assert.Equal(t, "AIDAINVENTED", *who.UserId)
	assert.Equal(t, "444400001111", *who.Account)

	role, err := user.AssumeRole(ctx, &awssts.AssumeRoleInput{
		RoleArn: aws.String(testRole), RoleSessionName: aws.String("sess-7"), DurationSeconds: aws.Int32(900), SourceIdentity: aws.String("noor"),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("ledger + more")}}, TransitiveTagKeys: []string{"team"},
		PolicyArns: []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::444400001111:policy/A")}}, Policy: aws.String(`{"Version": "2012-10-17"}`),
	})
	require.NoError(t, err)
	assert.Equal(t, "arn:aws:sts::444400001111:assumed-role/Reader/sess-7", *role.AssumedRoleUser.Arn)
	assert.Equal(t, "AROAINVENTED:sess-7", *role.AssumedRoleUser.AssumedRoleId)
	assert.Equal(t, "noor", *role.SourceIdentity)
	assert.Positive(t, *role.PackedPolicySize) //nolint:staticcheck // clients still read it
	assert.WithinDuration(t, time.Now().Add(15*time.Minute), *role.Credentials.Expiration, time.Minute)

	session := client(url, *role.Credentials.AccessKeyId, *role.Credentials.SecretAccessKey, *role.Credentials.SessionToken)
	who, err = session.GetCallerIdentity(ctx, nil)
	require.NoError(t, err)
	assert.Equal(t, testRole, *who.Arn)

	own, err := user.GetSessionToken(ctx, &awssts.GetSessionTokenInput{})
	require.NoError(t, err)
	_, err = client(url, *own.Credentials.AccessKeyId, *own.Credentials.SecretAccessKey, *own.Credentials.SessionToken).GetCallerIdentity(ctx, nil)
	require.NoError(t, err)
	_, err = client(url, *own.Credentials.AccessKeyId, *own.Credentials.SecretAccessKey, *role.Credentials.SessionToken).GetCallerIdentity(ctx, nil)
	requireAPIError(t, err, "InvalidClientTokenId", 403)
}

func TestSDKForGoPresigns(t *testing.T) {
	presigned, err := awssts.NewPresignClient(client(serve(t), clientKeyID, clientSecret, "")).PresignGetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, presigned.URL, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { assert.NoError(t, answer.Body.Close()) }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, answer.StatusCode)
	assert.Contains(t, string(body), "<UserId>AIDAINVENTED</UserId>")
}

func TestSDKForGoReadsErrors(t *testing.T) {
	ctx := t.Context()
	url := serve(t)
	_, err := client(url, clientKeyID, "wrong", "").GetCallerIdentity(ctx, nil)
	requireAPIError(t, err, "SignatureDoesNotMatch", 403)
	_, err = client(url, "AKIAUNKNOWN000000001", clientSecret, "").GetCallerIdentity(ctx, nil)
	requireAPIError(t, err, "InvalidClientTokenId", 403)
	_, err = client(url, clientKeyID, clientSecret, "").AssumeRole(ctx, &awssts.AssumeRoleInput{RoleArn: aws.String(testRole), RoleSessionName: aws.String("a b")})
	requireAPIError(t, err, "ValidationError", 400)
	_, err = client(url, clientKeyID, clientSecret, "").GetFederationToken(ctx, &awssts.GetFederationTokenInput{Name: aws.String("x")})
	requireAPIError(t, err, "InvalidAction", 400)
	_, err = client(url, clientKeyID, clientSecret, "").DecodeAuthorizationMessage(ctx, &awssts.DecodeAuthorizationMessageInput{EncodedMessage: aws.String("x")})
	requireAPIError(t, err, "InvalidAuthorizationMessageException", 400)
}

func requireAPIError(t *testing.T, err error, code string, status int) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	require.True(t, ok, "got %v", err)
	assert.Equal(t, code, api.ErrorCode())
	assert.NotEmpty(t, api.ErrorMessage())
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	require.True(t, ok)
	assert.Equal(t, status, response.HTTPStatusCode())
}

func run(t *testing.T, url, program string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+clientKeyID, "AWS_SECRET_ACCESS_KEY="+clientSecret, "AWS_SESSION_TOKEN=",
		"AWS_DEFAULT_REGION="+clientRegion, "AWS_REGION="+clientRegion, "AWS_ENDPOINT_URL="+url, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent")
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestCommandLineInterface(t *testing.T) {
	testtool.Client(t, "aws", "--version")
	out := run(t, serve(t), "aws", "sts", "assume-role", "--role-arn", testRole, "--role-session-name", "sess-7",
		"--tags", "Key=team,Value=a b", "--output", "text", "--query", "[AssumedRoleUser.Arn,PackedPolicySize>`0`]")
	assert.Equal(t, "arn:aws:sts::444400001111:assumed-role/Reader/sess-7\tTrue\n", out)
}

func TestSDKForPython(t *testing.T) {
	testtool.Client(t, "python3", "-c", "import boto3")
	out := run(t, serve(t), "python3", "-c", `
import boto3
from botocore.exceptions import ClientError
sts = boto3.client("sts")
print(sts.get_caller_identity()["Arn"])
c = sts.assume_role(RoleArn="`+testRole+`", RoleSessionName="s-1", Tags=[], PolicyArns=[{"arn": "arn:aws:iam::444400001111:policy/A"}])["Credentials"]
s = boto3.client("sts", aws_access_key_id=c["AccessKeyId"], aws_secret_access_key=c["SecretAccessKey"], aws_session_token=c["SessionToken"])
print(s.get_caller_identity()["Arn"])
try:
    sts.decode_authorization_message(EncodedMessage="x")
except ClientError as e:
    print(e.response["Error"]["Code"], e.response["Error"]["Type"], e.response["ResponseMetadata"]["HTTPStatusCode"])
`)
	assert.Equal(t, "arn:aws:iam::444400001111:user/Noor\n"+testRole+"\nInvalidAuthorizationMessageException Sender 400\n", out)
}
