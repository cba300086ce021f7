package analysis

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A brutalRequest is a question on its way.
type brutalRequest struct {
	generator
	q   *decision.Question
	d   *policy.Document
	row policy.Action
}

func (r brutalRequest) set(key string, values ...string) { r.q.Context[key] = values }

// carried sets a key that requests for some actions hold.
func (r brutalRequest) carried(name string, values ...string) {
	if slices.Contains(r.row.ConditionKeys, name) {
		r.set(strings.ToLower(name), values...)
	}
}

// times are when the request is made, and when the credentials were issued.
func (r brutalRequest) times() {
	instant := func() time.Time {
		on := operandsOn(r.d, "aws:currenttime", "aws:epochtime", "aws:tokenissuetime")
		if len(on) == 0 || r.IntN(3) == 0 {
			return pick(r.generator, defaultNow, defaultNow.AddDate(-1, -6, 0), defaultNow.AddDate(1, 0, 0))
		}
		t, ok := policy.Date(pick(r.generator, on...).Text)
		if !ok {
			t = defaultNow
		}
		return t.Add(pick(r.generator, 0, -time.Second, time.Second)).Truncate(time.Second).UTC()
	}
	now, issued := instant(), instant()
	if issued.After(now) {
		issued = now
	}
	r.set("aws:currenttime", now.Format(time.RFC3339))
	r.set("aws:epochtime", strconv.FormatInt(now.Unix(), 10))
	begin := func(mfa string) {
		r.set("aws:tokenissuetime", issued.Format(time.RFC3339))
		r.set("aws:multifactorauthpresent", mfa)
	}
	switch r.q.Principal.Type {
	case decision.Service:
	case decision.User, decision.Root:
		switch r.IntN(3) {
		case 0:
			begin("false")
		case 1:
			begin("true")
			r.set("aws:multifactorauthage", pick(r.generator, "10", "299", "300", "301", "3599", "3600", "9000"))
		}
	default:
		begin("false")
	}
}

// way is how the request comes.
func (r brutalRequest) way() {
	r.set("aws:viaawsservice", "false")
	r.carried("kms:GrantIsForAWSResource", "false")
	if r.q.Principal.Type == decision.Service {
		r.carried("kms:GrantIsForAWSResource", "true")
		r.source()
		return
	}
	address := func(key string) string {
		on := operandsOn(r.d, key)
		if n, ok := policy.Network(append(slices.Clone(on), policy.Value{})[0].Text); ok && r.IntN(2) == 0 {
			return n.Addr().Next().String()
		}
		text := r.like(r.d, nil, []string{"10.0.0.1", "10.1.2.3", "192.0.2.77", "172.16.0.9", "2001:db8::1"}, key)
		if a, err := netip.ParseAddr(strings.ReplaceAll(text, "x", "7.7")); err == nil {
			return a.String()
		}
		return "10.1.7.7"
	}
	switch r.IntN(3) {
	case 0:
		r.set("aws:sourceip", address("aws:sourceip"))
	case 1:
		r.set("aws:vpcsourceip", address("aws:vpcsourceip"))
		r.set("aws:sourcevpce", pick(r.generator, "vpce-11112222333344445", "vpce-1234567890abcdef0", "vpce-99992222333344445"))
		r.set("aws:sourcevpc", "vpc-11112222333344445")
	default:
		name, _, _ := strings.Cut(r.like(r.d, r.q.Context, []string{"s3", "ec2"}, "kms:viaservice", "aws:calledvia"), ".")
		if !some(lower).matches(name) {
			name = "sx"
		}
		chain := []string{name + ".amazonaws.com"}
		if r.IntN(2) == 0 && name != "ec2" {
			chain = append([]string{"ec2.amazonaws.com"}, chain...)
		}
		for key, values := range forwarded("us-east-1", chain...) {
			if key == "kms:viaservice" || key == "kms:grantisforawsresource" {
				r.carried(map[bool]string{true: "kms:ViaService", false: "kms:GrantIsForAWSResource"}[key == "kms:viaservice"], values...)
			} else {
				r.set(key, values...)
			}
		}
	}
}

// source is for whom a service calls.
func (r brutalRequest) source() {
	if r.IntN(3) == 0 {
		return
	}
	account := r.account(r.d)
	if r.IntN(2) == 0 {
		arn := r.like(r.d, nil, []string{"arn:aws:s3:::data1"}, "aws:sourcearn")
		parts := strings.SplitN(arn, ":", 6)
		if len(parts) == 6 && parts[5] != "" {
			if parts[4] != "" {
				account = parts[4]
			}
			r.set("aws:sourcearn", arn)
		}
	}
	r.set("aws:sourceaccount", account)
	if r.IntN(2) == 0 {
		r.set("aws:sourceorgid", "o-exampleorg")
		r.set("aws:sourceorgpaths", "o-exampleorg/r-ab12/ou-ab12-11111111/")
	}
}

// pairs are those of the encryption context.
func (r brutalRequest) pairs() {
	if !slices.Contains(r.row.ConditionKeys, "kms:EncryptionContextKeys") {
		return
	}
	pairs := map[string]string{}
	add := func(name, value string) {
		for have := range pairs {
			if strings.EqualFold(have, name) {
				return
			}
		}
		if pairs[name] = value; name != "" {
			r.set(encryptionContext+strings.ToLower(name), value)
		}
	}
	for _, name := range []string{"app", "dept"} {
		if r.IntN(3) > 0 {
			value := r.like(r.d, r.q.Context, []string{"finance", "a1", "5", "05", "true", "it"}, encryptionContext+name)
			add(pick(r.generator, name, name, strings.ToUpper(name[:1])+name[1:]), value)
		}
	}
	if name := r.like(r.d, r.q.Context, []string{"other"}, contextKeys); name != "" && r.IntN(2) == 0 {
		add(name, "1")
	}
	delete(pairs, "")
	if len(pairs) == 0 {
		return
	}
	r.set(contextKeys, slices.Sorted(maps.Keys(pairs))...)
	r.q.EncryptionContext = pairs
	r.carried("kms:GrantConstraintType", "EncryptionContextSubset")
}

// parameters are the others of the request, and facts of the key.
func (r brutalRequest) parameters() {
	kind := pick(r.generator, [2]string{"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"}, [2]string{"RSA_2048", "ENCRYPT_DECRYPT"}, [2]string{"ECC_NIST_P256", "SIGN_VERIFY"})
	r.carried("kms:KeySpec", kind[0])
	r.carried("kms:KeyUsage", kind[1])
	r.carried("kms:KeyOrigin", "AWS_KMS")
	r.carried("kms:MultiRegion", "false")
	r.carried("kms:EncryptionAlgorithm", pick(r.generator, "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_256"))
	r.carried("kms:GrantOperations", pick(r.generator, []string{"Decrypt"}, []string{"Encrypt", "Decrypt"}, []string{"CreateGrant"}, []string{"DescribeKey", "Encrypt"})...)
	r.carried("kms:GranteePrincipal", "arn:aws:iam::444455556666:user/bob")
	if r.IntN(2) == 0 {
		r.carried("kms:RequestAlias", pick(r.generator, "alias/a", "alias/ab"))
	}
	if r.IntN(2) == 0 {
		r.carried("kms:BypassPolicyLockoutSafetyCheck", pick(r.generator, "true", "false"))
	}
	if r.q.Action == "kms:CreateGrant" {
		r.q.Child = &decision.Child{Operations: r.q.Context["kms:grantoperations"], Subset: r.q.EncryptionContext}
	}
}
