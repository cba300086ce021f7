package engine_test

import (
	_ "embed"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/enginetest"
)

//go:embed testdata/services.txtar
var servicesText string

// The integrated services of the world, and a user whom they cannot help.
var (
	storage  = enginetest.Keys{ID: "AKIASTORAGE", Secret: "storage-secret"}
	tables   = enginetest.Keys{ID: "AKIATABLES", Secret: "tables-secret"}
	machines = enginetest.Keys{ID: "AKIAMACHINES", Secret: "machines-secret"}
	logs     = enginetest.Keys{ID: "AKIALOGS", Secret: "logs-secret"}
	remote   = enginetest.Keys{ID: "AKIAREMOTE", Secret: "remote-secret"}
)

func newServices(t *testing.T) bench {
	t.Helper()
	return start(t, enginetest.Config{World: worldText + servicesText})
}

var tokenElement = regexp.MustCompile(`<ForwardToken>([^<]+)</ForwardToken>`)

// token lets a service act for a principal.
func (b bench) token(k enginetest.Keys, service string, header ...string) string {
	b.t.Helper()
	headers := map[string]string{}
	if len(header) == 2 {
		headers[header[0]] = header[1]
	}
	status, body := b.Query(k, region, "Action=CreateForwardToken&Service="+url.QueryEscape(service), headers)
	require.Equal(b.t, http.StatusOK, status, body)
	found := tokenElement.FindStringSubmatch(body)
	require.Len(b.t, found, 2, body)
	return found[1]
}

// via is a client of a service that acts for a principal by a token.
func (b bench) via(service enginetest.Keys, token string) *kms.Client {
	return b.KMS(service, region, enginetest.Header(engine.ForwardTokenHeader, token))
}

// from is a client of a service that calls for a source.
func (b bench) from(service enginetest.Keys, arn, account string) *kms.Client {
	var options []func(*kms.Options)
	if arn != "" {
		options = append(options, enginetest.Header(engine.SourceARNHeader, arn))
	}
	if account != "" {
		options = append(options, enginetest.Header(engine.SourceAccountHeader, account))
	}
	return b.KMS(service, region, options...)
}

// when is a key policy that delegates, and lets a principal describe the key
// under a condition.
func when(principal, condition string) string {
	return `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":` + principal + `,"Action":["kms:DescribeKey","kms:Encrypt"],"Resource":"*","Condition":` + condition + `}]}`
}

func TestConditionKeysOfCallsByServices(t *testing.T) {
	b := newServices(t)
	for _, c := range []struct {
		name, condition string
		call            func(b bench) *kms.Client
		principal       string
		allowed         bool
	}{
		{"on behalf: the service and the Region", `{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}`, forNobody, nobodyARN, true},
		{"on behalf: another service", `{"StringEquals":{"kms:ViaService":"ec2.us-east-1.amazonaws.com"}}`, forNobody, nobodyARN, false},
		{"on behalf: the chain", `{"Bool":{"aws:ViaAWSService":"true","aws:PrincipalIsAWSService":"false"},"ForAllValues:StringEquals":{"aws:CalledVia":"s3.amazonaws.com"},
			"StringEquals":{"aws:CalledViaFirst":"s3.amazonaws.com","aws:CalledViaLast":"s3.amazonaws.com"}}`, forNobody, nobodyARN, true},
		{"on behalf: the principal", `{"ArnEquals":{"aws:PrincipalArn":"` + nobodyARN + `"},"StringEquals":{"aws:username":"nobody","kms:CallerAccount":"111122223333"}}`, forNobody, nobodyARN, true},
		{"on behalf: the service's address", `{"IpAddress":{"aws:SourceIp":"127.0.0.1"}}`, forNobody, nobodyARN, true},
		{"on behalf: no source", `{"Null":{"aws:SourceArn":"true","aws:SourceAccount":"true","aws:PrincipalServiceName":"true"}}`, forNobody, nobodyARN, true},
		{"directly: none of them", `{"Null":{"kms:ViaService":"true","aws:CalledVia":"true","aws:SourceArn":"true","aws:SourceAccount":"true"},"Bool":{"aws:ViaAWSService":"false","aws:PrincipalIsAWSService":"false"}}`,
			func(b bench) *kms.Client { return b.as(nobody) }, nobodyARN, true},
		{"as itself: its names", `{"Bool":{"aws:PrincipalIsAWSService":"true","aws:ViaAWSService":"false"},"StringEquals":{"aws:PrincipalServiceName":"s3.amazonaws.com"},
			"ForAnyValue:StringEquals":{"aws:PrincipalServiceNamesList":"s3.us-east-1.amazonaws.com"}}`, forBucket, "", true},
		{"as itself: the source", `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"},"StringEquals":{"aws:SourceAccount":"111122223333"}}`, forBucket, "", true},
		{"as itself: another source", `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::other"}}`, forBucket, "", false},
		{"as itself: neither account nor address nor principal's service", `{"Null":{"kms:CallerAccount":"true","aws:PrincipalAccount":"true","aws:PrincipalOrgID":"true","aws:SourceIp":"true","kms:ViaService":"true"}}`, forBucket, "", true},
	} {
		principal := `{"Service":"s3.amazonaws.com"}`
		if c.principal != "" {
			principal = `{"AWS":"` + c.principal + `"}`
		}
		key := b.newKey(when(principal, c.condition))
		_, err := c.call(b).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
		assert.Equal(t, c.allowed, err == nil, "%s: %v", c.name, err)
	}
}

func forNobody(b bench) *kms.Client { return b.via(storage, b.token(nobody, "s3.amazonaws.com")) }
func forBucket(b bench) *kms.Client { return b.from(storage, "arn:aws:s3:::bucket", acme) }

// deniedTo is the beginning of a refusal by policies.
func deniedTo(who, action string) string {
	return "AccessDeniedException: User: " + who + " is not authorized to perform: " + action
}

func TestForwardedCallHasTheRightsOfItsPrincipal(t *testing.T) {
	b := newServices(t)
	key := b.newKey(allowing(acme))
	session := b.assume(bob, payrollARN, "nightly", withPolicy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}]}`))
	encrypt := func(c *kms.Client) error {
		return second(c.Encrypt(b.ctx, &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x")}))
	}
	answers(t, []ask{
		{"a principal who may", func() error { return encrypt(b.via(storage, b.token(alice, "s3.amazonaws.com"))) }, "ok"},
		{"again within its life", func() error {
			token := b.token(bob, "s3.amazonaws.com")
			require.NoError(t, encrypt(b.via(storage, token)))
			return encrypt(b.via(storage, token))
		}, "ok"},
		{"root", func() error { return encrypt(b.via(storage, b.token(root, "s3.amazonaws.com"))) }, "ok"},
		{"a principal who may not", func() error { return encrypt(b.via(storage, b.token(nobody, "s3.amazonaws.com"))) },
			deniedTo(nobodyARN, "kms:Encrypt") + " on resource: " + key + " because no identity-based policy allows the kms:Encrypt action"},
		{"its boundary limits it", func() error { return encrypt(b.via(storage, b.token(fenced, "s3.amazonaws.com"))) },
			deniedTo("arn:aws:iam::111122223333:user/fenced", "kms:Encrypt") + " on resource: " + key + " because no permissions boundary allows the kms:Encrypt action"},
		{"its session is the principal", func() error { return encrypt(b.via(storage, b.token(session, "s3.amazonaws.com"))) },
			deniedTo("arn:aws:sts::111122223333:assumed-role/payroll/nightly", "kms:Encrypt") + " on resource: " + key +
				" because no identity-based policy allows the kms:Encrypt action"},
		{"a condition on its address sees the service's", func() error { return encrypt(b.via(storage, b.token(remote, "s3.amazonaws.com"))) },
			deniedTo("arn:aws:iam::111122223333:user/remote", "kms:Encrypt") + " on resource: " + key + " with an explicit deny in an identity-based policy"},
		{"which directly does not matter", func() error { return encrypt(b.as(remote)) }, "ok"},
	})
}

func TestForwardTokensAreBoundAndShortLived(t *testing.T) {
	b := newServices(t)
	key := b.newKey(allowing(acme))
	describe := func(c *kms.Client) func() error {
		return func() error { return second(c.DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})) }
	}
	invalid := "AccessDeniedException: The forward token is not valid for this service in this Region."
	forStorage := b.token(alice, "s3.amazonaws.com")
	answers(t, []ask{
		{"its service", describe(b.via(storage, forStorage)), "ok"},
		{"another service", describe(b.via(tables, forStorage)), invalid},
		{"another Region", describe(b.KMS(tables, "eu-west-1", enginetest.Header(engine.ForwardTokenHeader, b.token(alice, "dynamodb.amazonaws.com")))), invalid},
		{"a user", describe(b.KMS(alice, region, enginetest.Header(engine.ForwardTokenHeader, forStorage))), refusedHeaders},
		{"one that is none", describe(b.via(storage, "e30")), invalid},
		{"one that was changed", describe(b.via(storage, changed(forStorage))), invalid},
		{"a session token", describe(b.via(storage, b.assume(bob, payrollARN, "nightly").Token)), invalid},
		{"an empty one", describe(b.via(storage, "")), invalid},
		{"another spelling of it", describe(b.via(storage, forStorage+"=")), invalid},
		{"a token and a source", describe(b.KMS(storage, region, enginetest.Header(engine.ForwardTokenHeader, forStorage), enginetest.Header(engine.SourceAccountHeader, acme))),
			"AccessDeniedException: A service calls either for a source or on a principal's behalf."},
		{"just before its end", func() error {
			b.Clock.Advance(5*time.Minute - time.Second)
			return describe(b.via(storage, forStorage))()
		}, "ok"},
		{"at its end", func() error { b.Clock.Advance(time.Second); return describe(b.via(storage, forStorage))() },
			"AccessDeniedException: The forward token has expired."},
	})
	session := b.assume(bob, payrollARN, "short", lasting(900))
	token := b.token(session, "s3.amazonaws.com")
	b.Clock.Advance(4 * time.Minute)
	_, err := b.via(storage, token).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
	assert.Contains(t, said(err), "is not authorized to perform: kms:DescribeKey", "as the session")
	b.Clock.Advance(9 * time.Minute)
	token = b.token(session, "s3.amazonaws.com")
	b.Clock.Advance(3 * time.Minute)
	assert.Equal(t, "AccessDeniedException: The principal of the forward token is gone, or its credentials are no longer valid.",
		said(describe(b.via(storage, token))()), "a token dies with the session that asked for it")
}

// changed is a token with one bit of it changed.
func changed(token string) string {
	b := []byte(token)
	b[len(b)/2] ^= 1
	return string(b)
}

const refusedHeaders = "AccessDeniedException: The headers X-Amz-Source-Arn, X-Amz-Source-Account and X-Keyreeve-Forward-Token are for integrated services."

func TestHeadersOfServicesMustBeTheirsAndSigned(t *testing.T) {
	b := newServices(t)
	key := b.newKey(when(`"*"`, `{"StringEquals":{"aws:SourceAccount":"111122223333"}}`))
	token := b.token(alice, "s3.amazonaws.com")
	body := `{"KeyId":"` + key + `"}`
	send := func(k enginetest.Keys, unsigned map[string]string, twice string) string {
		r := b.Request(k, region, "DescribeKey", body, b.URL, "")
		for name, value := range unsigned {
			r.Header.Set(name, value)
		}
		if twice != "" {
			r.Header.Add(engine.SourceAccountHeader, twice)
			r.Header.Add(engine.SourceAccountHeader, twice)
		}
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { require.NoError(t, answer.Body.Close()) }()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return string(text)
	}
	for _, k := range []enginetest.Keys{storage, alice} {
		for name, value := range map[string]string{
			engine.SourceAccountHeader: acme, engine.SourceARNHeader: "arn:aws:s3:::bucket", engine.ForwardTokenHeader: token,
		} {
			assert.JSONEq(t, `{"__type":"InvalidSignatureException","message":"'`+name+`' must be a 'SignedHeader' in the AWS Authorization."}`,
				send(k, map[string]string{name: value}, ""), "from %s", k.ID)
		}
	}
	assert.Contains(t, send(storage, nil, acme), "InvalidSignatureException", "twice")
	for _, header := range []string{engine.SourceAccountHeader, engine.SourceARNHeader, engine.ForwardTokenHeader} {
		_, err := b.KMS(alice, region, enginetest.Header(header, acme)).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
		assert.Equal(t, refusedHeaders, said(err), header)
		status, answer := b.Query(alice, region, "Action=GetCallerIdentity", map[string]string{header: acme})
		assert.Equal(t, http.StatusForbidden, status, answer)
	}
	events, err := b.recorded(func() error {
		return second(b.KMS(alice, region, enginetest.Header(engine.SourceAccountHeader, acme)).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
	})
	require.Error(t, err)
	require.Len(t, events, 1, "the attempt is recorded")
	assert.Equal(t, "AccessDenied", events[0].ErrorCode)
}

func TestSourcesMustBeClear(t *testing.T) {
	b := newServices(t)
	key := b.newKey(when(`{"Service":"s3.amazonaws.com"}`, `{"Null":{"aws:CurrentTime":"false"}}`))
	for _, c := range []struct{ name, arn, account, want string }{
		{"an ARN without account, and the account", "arn:aws:s3:::bucket", acme, "ok"},
		{"an ARN with its account", "arn:aws:s3:us-east-1:111122223333:accesspoint/x", "", "ok"},
		{"both agree", "arn:aws:s3:us-east-1:111122223333:accesspoint/x", acme, "ok"},
		{"the account alone", "", acme, "ok"},
		{"nothing: the owner of the key counts", "", "", "ok"},
		{"an ARN without account alone", "arn:aws:s3:::bucket", "", "AccessDeniedException: X-Amz-Source-Account is needed beside an ARN that has no account."},
		{"they differ", "arn:aws:s3:us-east-1:444455556666:accesspoint/x", acme, "AccessDeniedException: X-Amz-Source-Arn and X-Amz-Source-Account name different accounts."},
		{"no ARN", "bucket", acme, "AccessDeniedException: X-Amz-Source-Arn must be the ARN of a resource."},
		{"no account", "", "acme", "AccessDeniedException: X-Amz-Source-Account must be an account id of 12 digits."},
		{"an account that the service may not act for", "arn:aws:s3:us-east-1:444455556666:accesspoint/x", "",
			"AccessDeniedException: The service s3.amazonaws.com may not act for account 444455556666 in us-east-1 with kms:DescribeKey."},
	} {
		_, err := b.from(storage, c.arn, c.account).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key})
		assert.Equal(t, c.want, said(err), c.name)
	}
}

func TestServicesActOnlyWithinTheirMandates(t *testing.T) {
	b := newServices(t)
	everybody := b.newKey(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}`)
	theirs := b.keyOf(carol, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}`)
	absent := everybody[:len(everybody)-4] + "0000"
	may := func(service, account, action string) string {
		return "AccessDeniedException: The service " + service + " may not act for account " + account + " in us-east-1 with " + action + "."
	}
	answers(t, []ask{
		{"an account that is not listed, as itself", func() error {
			return second(b.from(storage, "", "").DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &theirs}))
		}, may("s3.amazonaws.com", partner, "kms:DescribeKey")},
		{"an account that is not listed, on behalf", func() error {
			return second(b.via(storage, b.token(carol, "s3.amazonaws.com")).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &theirs}))
		}, may("s3.amazonaws.com", partner, "kms:DescribeKey")},
		{"an action that is not listed", func() error {
			return second(b.via(storage, b.token(alice, "s3.amazonaws.com")).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &everybody}))
		}, may("s3.amazonaws.com", acme, "kms:DisableKey")},
		{"the same for a key that is not there", func() error {
			return second(b.via(storage, b.token(alice, "s3.amazonaws.com")).DisableKey(b.ctx, &kms.DisableKeyInput{KeyId: &absent}))
		}, may("s3.amazonaws.com", acme, "kms:DisableKey")},
		{"nothing is listed", func() error {
			return second(b.via(logs, b.token(alice, "logs.amazonaws.com")).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &everybody}))
		}, may("logs.amazonaws.com", acme, "kms:DescribeKey")},
		{"an operation on no key, as itself", func() error {
			return second(b.from(storage, "", "").ListKeys(b.ctx, &kms.ListKeysInput{}))
		}, "AccessDeniedException: The service s3.amazonaws.com does not say for which account it calls."},
		{"with a source, there is no policy that could allow it", func() error {
			return second(b.from(storage, "", acme).ListKeys(b.ctx, &kms.ListKeysInput{}))
		}, deniedTo("s3.amazonaws.com", "kms:ListKeys") + " because no identity-based policy allows the kms:ListKeys action"},
		{"a key that is not there, as itself", func() error {
			return second(b.from(storage, "", acme).DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: aws.String(id(absent))}))
		}, deniedTo("s3.amazonaws.com", "kms:DescribeKey") + " on resource: " + absent +
			" because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"},
		{"what is listed", func() error {
			return second(b.from(storage, "", "").DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &everybody}))
		}, "ok"},
	})
	assert.Contains(t, b.DecisionLog(), `"input":{"principal":"s3.amazonaws.com","listener":""},"result":{"allowed":false,"reason":"The service s3.amazonaws.com may not act for account 444455556666`,
		"the operator is told")
}

func describe(b bench, c *kms.Client, key string) error {
	return second(c.DescribeKey(b.ctx, &kms.DescribeKeyInput{KeyId: &key}))
}
