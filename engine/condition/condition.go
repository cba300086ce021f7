// Package condition works out the request context: the value of each
// condition key for one permission check.
package condition

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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

// Build works out the context of one check. Keys of the service (kms:…) are
// absent from a check on an alias: Guide, "Controlling access to aliases".
func Build(r Request, s Side, res Resource) Context {
	c := make(Context, 32)
	r.fill(c)
	for name, values := range r.Principal {
		c.Set(name, values...)
	}
	s.fill(c)
	c.One("aws:ResourceAccount", res.Account)
	c.One("aws:ResourceOrgID", res.OrgID)
	c.One("aws:ResourceOrgPaths", res.OrgPath)
	if res.Key != nil {
		res.Key.fill(c)
	}
	return c
}

// fill sets what follows from the request itself. The keys of calls by
// services say no here; those of the caller that come after know better.
func (r Request) fill(c Context) {
	c.Flag("aws:SecureTransport", r.Secure)
	c.Flag("aws:PrincipalIsAWSService", false)
	c.Flag("aws:ViaAWSService", false)
	c.Flag("kms:GrantIsForAWSResource", false)
	c.One("aws:RequestedRegion", r.Region)
	c.One("aws:UserAgent", r.UserAgent)
	c.One("aws:Referer", r.Referer)
	r.origin(c)
	c.One("aws:CurrentTime", r.Now.UTC().Format(time.RFC3339))
	c.One("aws:EpochTime", strconv.FormatInt(r.Now.Unix(), 10))
}

// origin says where the call came from. The address has another name on a call
// through a VPC endpoint.
func (r Request) origin(c Context) {
	address := "aws:SourceIp"
	if r.Endpoint.ID != "" {
		address = "aws:VpcSourceIp"
		c.One("aws:SourceVpce", r.Endpoint.ID)
		c.One("aws:SourceVpc", r.Endpoint.VPC)
	}
	if r.SourceIP.IsValid() {
		c.One(address, r.SourceIP.Unmap().String())
	}
}

func (s Side) fill(c Context) {
	c.One("kms:RequestAlias", s.Alias)
	for name, values := range s.Keys {
		c.Set(name, values...)
	}
	fillEncryptionContext(c, s.EncryptionContext)
}

// fillEncryptionContext gives each pair its key; the set of names
// keeps case.
func fillEncryptionContext(c Context, pairs map[string]string) {
	if len(pairs) == 0 {
		return
	}
	c.pairs("kms:encryptioncontext:", pairs)
	c.Set("kms:EncryptionContextKeys", slices.Sorted(maps.Keys(pairs))...)
}

// pairs gives each pair its own key under the lower-cased prefix. Names that
// differ only in case share one key, with the values in the order of the
// names.
func (c Context) pairs(prefix string, pairs map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		key := prefix + strings.ToLower(name)
		c[key] = append(c[key], pairs[name])
	}
}

func (k *Key) fill(c Context) {
	c.One("kms:KeySpec", k.Spec)
	c.One("kms:CustomerMasterKeySpec", k.Spec)
	c.One("kms:KeyUsage", k.Usage)
	c.One("kms:CustomerMasterKeyUsage", k.Usage)
	c.One("kms:KeyOrigin", k.Origin)
	c.Flag("kms:MultiRegion", k.MultiRegion)
	c.One("kms:MultiRegionKeyType", k.MultiRegionKeyType)
	c.pairs("aws:resourcetag/", k.Tags)
	c.Set("kms:ResourceAliases", k.Aliases...)
}

// RequestTags gives the tags of a request their keys: aws:RequestTag/name and
// aws:TagKeys.
func RequestTags(tags map[string]string) Context {
	c := Context{}
	c.pairs("aws:requesttag/", tags)
	c.Set("aws:TagKeys", slices.Sorted(maps.Keys(tags))...)
	return c
}
