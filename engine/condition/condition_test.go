package condition

import (
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var (
	noon    = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.FixedZone("", 3600))
	request = Request{
		Principal: map[string][]string{"aws:PrincipalArn": {"arn:aws:iam::111122223333:user/bob"}, "kms:calleraccount": {"111122223333"}},
		SourceIP:  netip.MustParseAddr("::ffff:192.0.2.7"), Secure: true, UserAgent: "agent", Region: "us-east-1", Now: noon,
	}
)

func TestContextOfARequestOnNothing(t *testing.T) {
	assert.Equal(t, Context{
		"aws:principalarn": {"arn:aws:iam::111122223333:user/bob"}, "kms:calleraccount": {"111122223333"},
		"aws:securetransport": {"true"}, "aws:principalisawsservice": {"false"}, "aws:viaawsservice": {"false"}, "kms:grantisforawsresource": {"false"},
		"aws:requestedregion": {"us-east-1"}, "aws:useragent": {"agent"}, "aws:sourceip": {"192.0.2.7"},
		"aws:currenttime": {"2026-11-23T11:00:00Z"}, "aws:epochtime": {"1795431600"},
	}, Build(request, Side{}, Resource{}))
}

// TestCallerKnowsBetter: what the caller's keys say of services stands over
// what every request says.
func TestCallerKnowsBetter(t *testing.T) {
	r := request
	r.Principal = map[string][]string{"aws:PrincipalIsAWSService": {"true"}}
	assert.Equal(t, []string{"true"}, Build(r, Side{}, Resource{})["aws:principalisawsservice"])
}

// TestAddressHasItsNameByTheWay: A-44.
func TestAddressHasItsNameByTheWay(t *testing.T) {
	r := request
	r.Endpoint = Endpoint{ID: "vpce-1", VPC: "vpc-1"}
	c := Build(r, Side{}, Resource{})
	assert.NotContains(t, c, "aws:sourceip")
	assert.Equal(t, "192.0.2.7 vpce-1 vpc-1", c["aws:vpcsourceip"][0]+" "+c["aws:sourcevpce"][0]+" "+c["aws:sourcevpc"][0])
	r.SourceIP = netip.Addr{}
	assert.NotContains(t, Build(r, Side{}, Resource{}), "aws:vpcsourceip")
}

func TestKeysOfAResource(t *testing.T) {
	c := Build(Request{}, Side{}, Resource{Account: "444455556666", OrgID: "o-1", OrgPath: "o-1/r-1/", Key: &Key{
		Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS", MultiRegion: true, MultiRegionKeyType: "PRIMARY",
		Tags: map[string]string{"Team": "red", "team": "blue", "empty": ""}, Aliases: []string{"alias/b", "alias/a"},
	}})
	want := Context{
		"aws:resourceaccount": {"444455556666"}, "aws:resourceorgid": {"o-1"}, "aws:resourceorgpaths": {"o-1/r-1/"},
		"kms:keyspec": {"SYMMETRIC_DEFAULT"}, "kms:customermasterkeyspec": {"SYMMETRIC_DEFAULT"},
		"kms:keyusage": {"ENCRYPT_DECRYPT"}, "kms:customermasterkeyusage": {"ENCRYPT_DECRYPT"}, "kms:keyorigin": {"AWS_KMS"},
		"kms:multiregion": {"true"}, "kms:multiregionkeytype": {"PRIMARY"},
		"aws:resourcetag/team": {"red", "blue"}, "aws:resourcetag/empty": {""}, "kms:resourcealiases": {"alias/b", "alias/a"},
	}
	for name, values := range want {
		assert.Equal(t, values, c[name], name)
	}
	bare := Build(Request{}, Side{}, Resource{Key: &Key{Spec: "SYMMETRIC_DEFAULT"}})
	for _, name := range []string{"kms:resourcealiases", "kms:multiregionkeytype", "aws:resourceaccount", "aws:resourceorgid"} {
		assert.NotContains(t, bare, name)
	}
	assert.Equal(t, []string{"false"}, bare["kms:multiregion"])
}

// TestNamesThatDifferInCaseShareTheirValues: A-45.
func TestNamesThatDifferInCaseShareTheirValues(t *testing.T) {
	c := Build(Request{}, Side{EncryptionContext: map[string]string{"Dept": "a", "DEPT": "b", "dept": "c", "": "d"}}, Resource{})
	assert.Equal(t, []string{"b", "a", "c"}, c["kms:encryptioncontext:dept"], "in the order of the names")
	assert.Equal(t, []string{"d"}, c["kms:encryptioncontext:"])
	assert.Equal(t, []string{"", "DEPT", "Dept", "dept"}, c["kms:encryptioncontextkeys"], "names keep their case")
	tags := RequestTags(map[string]string{"Team": "a", "team": "b"})
	assert.Equal(t, Context{"aws:requesttag/team": {"a", "b"}, "aws:tagkeys": {"Team", "team"}}, tags)
	assert.Empty(t, RequestTags(nil))
	assert.NotContains(t, Build(Request{}, Side{EncryptionContext: map[string]string{}}, Resource{}), "kms:encryptioncontextkeys")
}

func TestSideOfARequest(t *testing.T) {
	keys := Context{}
	keys.One("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
	keys.Flag("kms:ReEncryptOnSameKey", false)
	keys.Number("kms:RotationPeriodInDays", 365)
	keys.One("kms:RetiringPrincipal", "")
	keys.Set("kms:GrantOperations")
	assert.Equal(t, Context{
		"kms:encryptionalgorithm": {"SYMMETRIC_DEFAULT"}, "kms:reencryptonsamekey": {"false"}, "kms:rotationperiodindays": {"365"},
	}, keys, "without a value a key is absent")
	c := Build(Request{}, Side{Alias: "alias/a", Keys: keys}, Resource{})
	assert.Equal(t, []string{"alias/a"}, c["kms:requestalias"])
	assert.Equal(t, []string{"365"}, c["kms:rotationperiodindays"])
}

func TestVocabularyRestrictsTheServicesOwnKeys(t *testing.T) {
	r := Request{Principal: map[string][]string{"kms:CallerAccount": {"1"}, "aws:userid": {"1"}}, Region: "us-east-1"}
	side := Side{Alias: "alias/a", EncryptionContext: map[string]string{"Dept": "a"}, Keys: Context{"kms:keyagreementalgorithm": {"ECDH"}, "sts:externalid": {"x"}}}
	about := Resource{Account: "1", Key: &Key{Spec: "s", Usage: "u", Aliases: []string{"alias/a"}, Tags: map[string]string{"a": "b"}}}
	all := Build(r, side, about)
	for name, v := range map[string]*Vocabulary{
		"some": NewVocabulary([]string{"kms:CallerAccount", "kms:EncryptionContext:", "kms:KeyUsage"}, nil), "none": {},
	} {
		want := maps.Clone(all)
		maps.DeleteFunc(want, func(key string, _ []string) bool { return !v.Has(key) })
		assert.Equal(t, want, v.Build(r, side, about), name)
		assert.Contains(t, want, "aws:resourcetag/a", name)
		assert.Contains(t, want, "sts:externalid", name)
		assert.Equal(t, name == "some", want["kms:encryptioncontext:dept"] != nil)
		assert.Equal(t, name == "some", want["kms:calleraccount"] != nil)
		assert.NotContains(t, want, "kms:encryptioncontextkeys")
		assert.NotContains(t, want, "kms:resourcealiases")
	}
}

// TestMemoMakesNoDifference: what is kept of one request serves those that are equal in it.
func TestMemoMakesNoDifference(t *testing.T) {
	vocabularies := []*Vocabulary{NewVocabulary([]string{"kms:CallerAccount", "kms:KeySpec", "kms:KeyUsage", "kms:ResourceAliases"}, Context{"kms:keyspec": {"default"}, "kms:calleraccount": {"default"}, "aws:other": {"x"}}),
		NewVocabulary(nil, Context{"kms:keyspec": {"default"}})}
	memo := new(Memo)
	type question struct {
		r   Request
		s   Side
		res Resource
	}
	for range 3 {
		for i, change := range []func(*question){
			func(*question) {},
			func(q *question) { q.r.SourceIP = netip.MustParseAddr("198.51.100.1") },
			func(q *question) { q.r.Endpoint.ID = "vpce-1" },
			func(q *question) { q.r.Endpoint.VPC = "vpc-1" },
			func(q *question) { q.r.Secure = !q.r.Secure },
			func(q *question) { q.r.UserAgent = "another" },
			func(q *question) { q.r.UserAgent = strings.Repeat("long", maxKept) },
			func(q *question) { q.r.Referer = "there" },
			func(q *question) { q.r.Region = "eu-west-1" },
			func(q *question) { q.r.Now = q.r.Now.Add(time.Hour) },
			func(q *question) { q.r.Now = q.r.Now.Add(time.Second) },
			func(q *question) { q.s.Alias = "alias/b" },
			func(q *question) { q.s.EncryptionContext = map[string]string{"a": "b"} },
			func(q *question) { q.s.EncryptionContext = map[string]string{"a": "c"} },
			func(q *question) { q.s.EncryptionContext = map[string]string{"a": strings.Repeat("long", maxKept)} },
			func(q *question) { q.s.Keys = Context{"kms:grantoperations": {"y"}} },
			func(q *question) {
				q.s.Keys = Context{"kms:KeySpec": {"of the side"}, "aws:UserAgent": {"of the side"}}
			},
			func(q *question) { q.res.Account = "2" },
			func(q *question) { q.res.OrgID = "o-2" },
			func(q *question) { q.res.OrgPath = "o-2/" },
			func(q *question) { q.res.Key = nil },
			func(q *question) { q.res.Key.Spec = "another" },
			func(q *question) { q.res.Key.Usage = "another" },
			func(q *question) { q.res.Key.Origin = "another" },
			func(q *question) { q.res.Key.MultiRegion = true },
			func(q *question) { q.res.Key.MultiRegionKeyType = "PRIMARY" },
			func(q *question) { q.res.Key.Tags = map[string]string{"a": "b"} },
			func(q *question) { q.res.Key.Tags = map[string]string{"a": "c"} },
			func(q *question) { q.res.Key.Aliases = []string{"alias/a", "alias/b"} },
			func(q *question) { q.res.Key.Aliases = nil },
		} {
			q := question{request, Side{Alias: "alias/a", Keys: Context{"kms:grantoperations": {"x"}}}, Resource{
				Account: "1", OrgID: "o-1", OrgPath: "o-1/", Key: &Key{Spec: "spec", Usage: "usage", Origin: "origin", Aliases: []string{"alias/a"}},
			}}
			change(&q)
			for _, v := range vocabularies {
				want := v.Build(q.r, q.s, q.res)
				q.r.Memo = memo
				for range 2 {
					got := v.Build(q.r, q.s, q.res)
					assert.Equal(t, want, got, "change %d", i)
				}
				q.r.Memo = nil
			}
		}
	}
	assert.Len(t, *memo.kept.Load(), maxMemo)
}
