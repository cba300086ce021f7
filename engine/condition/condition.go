// Package condition works out the request context: the value of each
// condition key for one permission check.
package condition

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A Context holds the values of condition keys by lower-cased name. A key
// without a value is absent from the map; no list in it is empty.
type Context map[string][]string

// Set gives a key its values; names are case-insensitive. No value, or only
// empty strings for a single-valued key, leaves the key absent.
func (c Context) Set(name string, values ...string) {
	if len(values) == 0 {
		return
	}
	c[strings.ToLower(name)] = values
}

// One sets a single-valued key unless the value is empty.
func (c Context) One(name, value string) {
	if value != "" {
		c.Set(name, value)
	}
}

// Flag sets a Bool key.
func (c Context) Flag(name string, value bool) { c.Set(name, strconv.FormatBool(value)) }

// Number sets a Numeric key.
func (c Context) Number(name string, value int) { c.Set(name, strconv.Itoa(value)) }

// A Request holds what is the same for every check of one call.
type Request struct {
	Principal map[string][]string // the caller's keys: aws:PrincipalArn, aws:userid, …, kms:CallerAccount
	SourceIP  netip.Addr          // of the client; invalid when there is none
	Endpoint  Endpoint            // that the call came through; zero: none
	Secure    bool                // over TLS
	UserAgent string
	Referer   string
	Region    string
	Now       time.Time

	// Memo, if it is not nil, belongs to a caller whose Principal is always the same.
	Memo *Memo
}

// An Endpoint is the VPC endpoint that a call came through.
type Endpoint struct{ ID, VPC string }

// A Side is what belongs to one resource of the call: ReEncrypt has two.
type Side struct {
	Alias             string              // the alias name by which the request named the key: kms:RequestAlias
	EncryptionContext map[string]string   // pairs as sent
	Keys              map[string][]string // further request keys: kms:EncryptionAlgorithm, kms:GrantOperations, …
}

// A Key holds the keys of a KMS key as a resource. In a CreateKey request it
// holds what is asked for.
type Key struct {
	Spec, Usage, Origin string
	MultiRegion         bool
	MultiRegionKeyType  string // PRIMARY or REPLICA; empty for a single-Region key
	Tags                map[string]string
	Aliases             []string // alias names; nil when the key is over its alias quota
}

// A Resource says what a check is about.
type Resource struct {
	Account string // owner; empty for operations on no resource
	OrgID   string // of the owner, if it is in an organization
	OrgPath string // o-…/r-…/ou-…/, if it is in an organization
	Key     *Key   // nil for aliases, absent keys and operations on no key
}

// Build works out the context of one check, with all keys of the service.
func Build(r Request, s Side, res Resource) Context { return build(r, s, res, nil) }

// Build works out the context of one check, with those keys of the service
// (kms:…) that v has, and its defaults. With a Memo the context must not be
// changed, and nor must what the side and the resource hold: the next request
// may have the same.
func (v *Vocabulary) Build(r Request, s Side, res Resource) Context { return build(r, s, res, v) }

func build(r Request, s Side, res Resource, v *Vocabulary) Context {
	common, second := r.Memo.common(r, v, res), r.Now.Unix()
	if again := common.again(second, s, res); again != nil {
		return again
	}
	b := builder{values: make([]string, 0, 8), vocabulary: v}
	if common != nil && !s.overlaps(common.context) {
		b.Context = maps.Clone(common.context)
		r.instant(&b)
		s.fill(&b)
	} else {
		b.Context = make(Context, 24)
		r.fill(&b)
		r.instant(&b)
		s.fill(&b)
		res.fill(&b)
	}
	if res.Key != nil {
		b.pairs("aws:resourcetag/", res.Key.Tags)
		b.list("kms:resourcealiases", res.Key.Aliases)
	}
	v.complete(b.Context)
	common.keep(second, s, res, b.Context)
	return b.Context
}

// A builder makes a context with few allocations: single values stand in one
// array, and names are given in lower case.
type builder struct {
	Context
	values     []string
	vocabulary *Vocabulary // nil: all
}

// takes tells whether a key belongs into the context.
func (b *builder) takes(name string) bool {
	return b.vocabulary == nil || b.vocabulary.Has(name)
}

// list gives a key its values, if there are any.
func (b *builder) list(name string, values []string) {
	if len(values) > 0 && b.takes(name) {
		b.Context[name] = values
	}
}

// one sets a single-valued key, whose name is in lower case, unless the value
// is empty.
func (b *builder) one(name, value string) {
	if value != "" && b.takes(name) {
		b.Context[name] = b.alone(value)
	}
}

// alone is a list of one value.
func (b *builder) alone(value string) []string {
	n := len(b.values)
	b.values = append(b.values, value)
	return b.values[n : n+1 : n+1]
}

// flag sets a Bool key, whose name is in lower case.
func (b *builder) flag(name string, value bool) { b.one(name, strconv.FormatBool(value)) }

// fill sets what follows from the request but for its time. The keys of calls by
// services say no at first; those of the caller that come after know better.
func (r Request) fill(b *builder) {
	b.flag("aws:securetransport", r.Secure)
	b.flag("aws:principalisawsservice", false)
	b.flag("aws:viaawsservice", false)
	b.flag("kms:grantisforawsresource", false)
	b.one("aws:requestedregion", r.Region)
	b.one("aws:useragent", r.UserAgent)
	b.one("aws:referer", r.Referer)
	r.origin(b)
	for name, values := range r.Principal {
		b.list(strings.ToLower(name), values)
	}
}

// instant sets the time of the request.
func (r Request) instant(b *builder) {
	now := secondOf(r.Now)
	b.one("aws:currenttime", now.date)
	b.one("aws:epochtime", now.epoch)
}

// A second is an instant as condition keys tell it.
type second struct {
	unix        int64
	date, epoch string
}

// latest is the second that was asked for last: many requests share it.
var latest atomic.Pointer[second]

func secondOf(t time.Time) *second {
	unix := t.Unix()
	if s := latest.Load(); s != nil && s.unix == unix {
		return s
	}
	s := &second{unix: unix, date: t.UTC().Format(time.RFC3339), epoch: strconv.FormatInt(unix, 10)}
	latest.Store(s)
	return s
}

// origin says where the call came from. The address has another name on a call
// through a VPC endpoint.
func (r Request) origin(b *builder) {
	address := "aws:sourceip"
	if r.Endpoint.ID != "" {
		address = "aws:vpcsourceip"
		b.one("aws:sourcevpce", r.Endpoint.ID)
		b.one("aws:sourcevpc", r.Endpoint.VPC)
	}
	if r.SourceIP.IsValid() {
		b.one(address, r.SourceIP.Unmap().String())
	}
}

func (s Side) fill(b *builder) {
	b.one("kms:requestalias", s.Alias)
	for name, values := range s.Keys {
		b.list(strings.ToLower(name), values)
	}
	// Each pair has its key; the set of names keeps case.
	b.list("kms:encryptioncontextkeys", b.pairs("kms:encryptioncontext:", s.EncryptionContext))
}

// pairs gives each pair its own key under the lower-cased prefix. Names that
// differ only in case share one key, with the values in the order of the
// names, which it returns.
func (b *builder) pairs(prefix string, pairs map[string]string) (names []string) {
	if len(pairs) == 0 {
		return nil
	}
	names = make([]string, 0, len(pairs))
	for name := range pairs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		key := prefix + strings.ToLower(name)
		if !b.takes(key) {
			continue
		}
		if had, shared := b.Context[key]; shared {
			b.Context[key] = append(had, pairs[name])
		} else {
			b.Context[key] = b.alone(pairs[name])
		}
	}
	return names
}

// overlaps tells whether the side has keys that are in a context already.
func (s Side) overlaps(c Context) bool {
	for name := range s.Keys {
		if _, there := c[strings.ToLower(name)]; there {
			return true
		}
	}
	return false
}

// fill sets what follows from the resource, but for tags and aliases.
func (res Resource) fill(b *builder) {
	b.one("aws:resourceaccount", res.Account)
	b.one("aws:resourceorgid", res.OrgID)
	b.one("aws:resourceorgpaths", res.OrgPath)
	k := res.Key
	if k == nil {
		return
	}
	b.one("kms:keyspec", k.Spec)
	b.one("kms:customermasterkeyspec", k.Spec)
	b.one("kms:keyusage", k.Usage)
	b.one("kms:customermasterkeyusage", k.Usage)
	b.one("kms:keyorigin", k.Origin)
	b.flag("kms:multiregion", k.MultiRegion)
	b.one("kms:multiregionkeytype", k.MultiRegionKeyType)
}

// RequestTags gives the tags of a request their keys: aws:RequestTag/name and
// aws:TagKeys.
func RequestTags(tags map[string]string) Context {
	b := builder{Context: Context{}}
	b.list("aws:tagkeys", b.pairs("aws:requesttag/", tags))
	return b.Context
}
