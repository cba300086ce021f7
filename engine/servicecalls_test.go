package engine_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

func TestChainsOfServices(t *testing.T) {
	b := newServices(t)
	key := b.newKey(when(`{"AWS":"`+nobodyARN+`"}`, `{"StringEquals":{"aws:CalledViaFirst":"s3.amazonaws.com","aws:CalledViaLast":"dynamodb.amazonaws.com",
		"kms:ViaService":"dynamodb.us-east-1.amazonaws.com"},"ForAnyValue:StringEquals":{"aws:CalledVia":"s3.amazonaws.com"}}`))
	first := b.token(nobody, "s3.amazonaws.com")
	b.Clock.Advance(3 * time.Minute)
	next := b.token(storage, "dynamodb.amazonaws.com", engine.ForwardTokenHeader, first)
	describe := func() error {
		return second(b.via(tables, next).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
	}
	assert.Equal(t, "ok", said(describe()))
	b.Clock.Advance(2 * time.Minute)
	assert.Equal(t, "AccessDeniedException: The forward token has expired.", said(describe()), "no longer than the first one")

	for name, c := range map[string]struct {
		who    enginetest.Keys
		header string
	}{
		"a service as itself":                      {storage, ""},
		"a service that may not pass tokens on":    {tables, b.token(nobody, "dynamodb.amazonaws.com")},
		"a service with the token of another":      {tables, b.token(nobody, "s3.amazonaws.com")},
		"a service that names no integrated one":   {alice, ""},
		"a Region in which the account has no key": {bob, ""},
	} {
		parameters := "Action=CreateForwardToken&Service=dynamodb.amazonaws.com"
		switch c.who {
		case alice:
			parameters = "Action=CreateForwardToken&Service=example.amazonaws.com"
		case bob:
			parameters += "&Region=ap-south-1"
		}
		headers := map[string]string{}
		if c.header != "" {
			headers[engine.ForwardTokenHeader] = c.header
		}
		status, answer := b.Query(c.who, region, parameters, headers)
		assert.NotEqual(t, http.StatusOK, status, "%s: %s", name, answer)
	}
}

func TestServicesObtainCredentialsOnlyForRolesThatTrustThem(t *testing.T) {
	b := newServices(t)
	const machine, linked = "arn:aws:iam::111122223333:role/machine", "arn:aws:iam::111122223333:role/aws-service-role/ec2.amazonaws.com/AWSServiceRoleForSpot"
	assume := func(k enginetest.Keys, role string, header map[string]string) (int, string) {
		return b.Query(k, region, "Action=AssumeRole&RoleSessionName=i-1&RoleArn="+url.QueryEscape(role), header)
	}
	status, answer := assume(machines, machine, nil)
	assert.Equal(t, http.StatusOK, status, answer)
	status, answer = assume(machines, linked, map[string]string{engine.SourceAccountHeader: acme})
	assert.Equal(t, http.StatusOK, status, answer)
	assert.Contains(t, answer, "assumed-role/AWSServiceRoleForSpot/i-1")
	for name, c := range map[string]struct {
		who    enginetest.Keys
		role   string
		header string
		want   string
	}{
		"a service that the role does not trust": {storage, machine, "", "is not authorized to perform: sts:AssumeRole"},
		"a service without that mandate":         {tables, machine, "", "may not act for account 111122223333 in us-east-1 with sts:AssumeRole"},
		"a user, of a role linked to a service":  {alice, linked, "", "can be assumed only by the service that it is linked to"},
		"a service on a principal's behalf":      {storage, machine, b.token(alice, "s3.amazonaws.com"), "cannot obtain credentials on a principal"},
	} {
		header := map[string]string{}
		if c.header != "" {
			header[engine.ForwardTokenHeader] = c.header
		}
		status, answer := assume(c.who, c.role, header)
		assert.Equal(t, http.StatusForbidden, status, name)
		assert.Contains(t, answer, c.want, name)
	}
	for _, header := range []map[string]string{nil, {engine.ForwardTokenHeader: b.token(alice, "s3.amazonaws.com")}} {
		status, answer = b.Query(storage, region, "Action=GetSessionToken", header)
		assert.Equal(t, http.StatusForbidden, status, answer)
	}
	_, err := b.STS(alice, region).AssumeRole(b.ctx, &sts.AssumeRoleInput{RoleArn: aws.String(machine), RoleSessionName: aws.String("alice")})
	assert.NoError(t, err, "a user of a role that trusts the account")
}

func TestGrantsForServicesComeFromServices(t *testing.T) {
	b := newServices(t)
	key := b.newKey(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"` + nobodyARN + `"},"Action":["kms:CreateGrant","kms:ListGrants","kms:RevokeGrant"],"Resource":"*",
		 "Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}]}`)
	pairs := map[string]string{"aws:dynamodb:tableName": "Books", "aws:dynamodb:subscriberId": acme}
	const principal = "dynamodb.us-east-1.amazonaws.com"
	in := &kms.CreateGrantInput{
		KeyId: &key, GranteePrincipal: aws.String(principal), RetiringPrincipal: aws.String(principal),
		Operations:  []types.GrantOperation{types.GrantOperationGenerateDataKey, types.GrantOperationDecrypt, types.GrantOperationRetireGrant},
		Constraints: &types.GrantConstraints{EncryptionContextSubset: pairs},
	}
	assert.Equal(t, "InvalidArnException: ARN does not refer to a valid principal: "+principal, said(second(b.as(alice).CreateGrant(b.ctx, in))), "a user")
	assert.Contains(t, said(second(b.as(nobody).CreateGrant(b.ctx, in))), "is not authorized to perform: kms:CreateGrant", "kms:GrantIsForAWSResource is false")
	forNobody := b.via(tables, b.token(nobody, "dynamodb.amazonaws.com"))
	granted, err := forNobody.CreateGrant(b.ctx, in)
	require.NoError(t, err)
	listed, err := forNobody.ListGrants(b.ctx, &kms.ListGrantsInput{KeyId: &key})
	require.NoError(t, err)
	require.Len(t, listed.Grants, 1)
	assert.Equal(t, principal, *listed.Grants[0].GranteePrincipal)
	assert.Equal(t, principal, *listed.Grants[0].RetiringPrincipal)
	assert.Equal(t, "arn:aws:iam::111122223333:root", *listed.Grants[0].IssuingAccount)

	use := func(k enginetest.Keys, pairs map[string]string) error {
		return second(b.from(k, "", acme).GenerateDataKey(b.ctx, &kms.GenerateDataKeyInput{KeyId: &key, KeySpec: types.DataKeySpecAes256, EncryptionContext: pairs}))
	}
	assert.Equal(t, "ok", said(use(tables, map[string]string{"aws:dynamodb:tableName": "Books", "aws:dynamodb:subscriberId": acme, "more": "x"})))
	assert.Contains(t, said(use(tables, map[string]string{"aws:dynamodb:tableName": "Books"})), "AccessDenied", "a pair is missing")
	assert.Contains(t, said(use(storage, pairs)), "AccessDenied", "another service")
	assert.Contains(t, said(second(b.from(tables, "", acme).Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x"), EncryptionContext: pairs}))), "AccessDenied", "not of its operations")
	_, err = b.from(tables, "", acme).RetireGrant(b.ctx, &kms.RetireGrantInput{GrantToken: granted.GrantToken})
	require.NoError(t, err)
	assert.Contains(t, said(use(tables, pairs)), "AccessDenied", "the grant is gone")
}

// TestRecordsOfCallsByServices holds CT-026, CT-038, CT-052, CT-053.
func TestRecordsOfCallsByServices(t *testing.T) {
	b := newServices(t)
	key := b.newKey(when(`{"Service":"s3.amazonaws.com"}`, `{"StringEquals":{"aws:SourceAccount":"111122223333"}}`))
	events, err := b.recorded(func() error {
		return second(b.via(storage, b.token(alice, "s3.amazonaws.com")).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
	})
	require.NoError(t, err)
	require.Len(t, events, 2, "CreateForwardToken, DescribeKey")
	assert.Equal(t, "CreateForwardToken", events[0].EventName)
	assert.JSONEq(t, `{"service":"s3.amazonaws.com"}`, string(events[0].RequestParameters))
	assert.NotContains(t, string(events[0].ResponseElements), "oken")
	onBehalf := events[1]
	assert.Contains(t, string(onBehalf.UserIdentity), `"arn":"`+aliceARN+`"`)
	assert.Contains(t, string(onBehalf.UserIdentity), `"invokedBy":"s3.amazonaws.com"`)
	assert.Equal(t, "s3.amazonaws.com", onBehalf.SourceIPAddress)
	assert.Equal(t, "s3.amazonaws.com", onBehalf.UserAgent)
	assert.Empty(t, onBehalf.SharedEventID)
	assert.Nil(t, onBehalf.TLSDetails)

	for _, account := range []string{acme, ""} {
		events, err = b.recorded(func() error { return describe(b, b.from(storage, "", account), key) })
		assert.Equal(t, account == acme, err == nil)
		require.Len(t, events, 1)
		asItself := events[0]
		assert.JSONEq(t, `{"type":"AWSService","invokedBy":"s3.us-east-1.amazonaws.com"}`, string(asItself.UserIdentity))
		assert.Equal(t, acme, asItself.RecipientAccountID, "the owner's log has the only record, also of a refusal")
		assert.Equal(t, "s3.us-east-1.amazonaws.com", asItself.SourceIPAddress)
		assert.NotEmpty(t, asItself.SharedEventID)
	}
}

func TestSourcesStandInOrganizations(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText + servicesText + estateText})
	for condition, allowed := range map[string]bool{
		`{"StringEquals":{"aws:SourceOrgID":"o-exampleorg"},"ForAnyValue:StringEquals":{"aws:SourceOrgPaths":"o-exampleorg/r-ab12/ou-ab12-engineer/ou-ab12-payrolls/"}}`: true,
		`{"StringEquals":{"aws:SourceOrgID":"o-another"}}`:                            false,
		`{"Null":{"aws:PrincipalOrgID":"true","aws:PrincipalOrgPaths":"true"}}`:       true,
		`{"StringEquals":{"aws:ResourceOrgID":"o-exampleorg"}}`:                       true,
		`{"Null":{"aws:SourceOrgID":"true"}}`:                                         false,
		`{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-another"}}`:                 true,
		`{"ForAllValues:StringEquals":{"aws:SourceOrgPaths":"o-exampleorg/r-ab12/"}}`: false,
	} {
		key := b.newKey(when(`{"Service":"s3.us-east-1.amazonaws.com"}`, condition))
		err := describe(b, b.from(storage, "arn:aws:s3:::bucket", acme), key)
		assert.Equal(t, allowed, err == nil, "%s: %v", condition, err)
	}
}

// TestRCPsBindServices holds A-11: unlike SCPs, which do not.
func TestRCPsBindServices(t *testing.T) {
	b := start(t, enginetest.Config{World: worldText + servicesText + estateText})
	key := b.newKey(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"Service":"dynamodb.amazonaws.com"},"Action":"kms:*","Resource":"*"}]}`)
	c := b.from(tables, "", acme)
	answers(t, []ask{
		{"an SCP that denies", func() error { return second(c.ScheduleKeyDeletion(b.ctx, &kms.ScheduleKeyDeletionInput{KeyId: &key})) }, "ok"},
		{"undone", func() error { return second(c.CancelKeyDeletion(b.ctx, &kms.CancelKeyDeletionInput{KeyId: &key})) }, "ok"},
		{"an RCP that denies, of which the service is told nothing", func() error {
			return second(c.UntagResource(b.ctx, &kms.UntagResourceInput{KeyId: &key, TagKeys: []string{"team"}}))
		}, deniedTo("dynamodb.amazonaws.com", "kms:UntagResource") + " on resource: " + key +
			" because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"},
	})
}
