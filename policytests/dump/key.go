package dump

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// keys writes the keys, by account and id.
func (b *builder) keys() {
	all := slices.Clone(b.c.Keys)
	slices.SortFunc(all, func(x, y Key) int { return cmp.Compare(x.Arn, y.Arn) })
	for _, k := range all {
		if k.Policy == "" {
			b.c.note("left out: key %s, whose policy is not known", k.Arn)
			continue
		}
		file, ok := b.policy(policy.Key, k.AWSAccountId, b.keyName(k), k.Policy)
		if !ok {
			b.c.note("left out: key %s, whose policy cannot be read", k.Arn)
			continue
		}
		if !k.GrantsKnown {
			b.c.note("the grants on key %s are not known", k.Arn)
		}
		child(b.account(k.AWSAccountId), "keys")[b.keyName(k)] = b.key(k, file)
	}
}

var keyLetters = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// keyName is what case lines call a key: its first alias, or its id.
func (b *builder) keyName(k Key) string {
	for _, a := range slices.Sorted(slices.Values(k.Aliases)) {
		name := keyLetters.ReplaceAllString(strings.TrimPrefix(a, "alias/"), "-")
		if name == "" || len(name) > 50 {
			continue
		}
		for _, other := range b.c.Keys {
			if other.Arn != k.Arn && other.AWSAccountId == k.AWSAccountId && slices.ContainsFunc(other.Aliases, func(o string) bool {
				return keyLetters.ReplaceAllString(strings.TrimPrefix(o, "alias/"), "-") == name
			}) {
				return name + "." + k.region()
			}
		}
		return name
	}
	for _, other := range b.c.Keys {
		if other.KeyId == k.KeyId && other.Arn != k.Arn { // related keys of several Regions
			return k.KeyId + "." + k.region()
		}
	}
	return k.KeyId
}

// states are what a world has for the states of the API that it does not know.
var states = map[string]string{
	"Creating": "Enabled", "Updating": "Enabled", "Unavailable": "Disabled", "PendingReplicaDeletion": "PendingDeletion",
}

func (b *builder) key(k Key, file string) object {
	body := object{"id": k.KeyId, "region": k.region(), "policy": file}
	set(body, "spec", cmp.Or(k.KeySpec, k.CustomerMasterKeySpec))
	set(body, "usage", k.KeyUsage)
	set(body, "origin", k.Origin)
	set(body, "description", k.Description)
	set(body, "tags", tags(k.Tags))
	set(body, "aliases", k.Aliases)
	state := k.KeyState
	if other, known := states[k.KeyState]; known {
		b.c.note("key %s is %s: it is there as %s", k.Arn, k.KeyState, other)
		state = other
	}
	set(body, "state", state)
	if k.MultiRegion {
		b.multiRegion(k, body)
	}
	if k.KeyManager == "AWS" {
		body["aws-managed"] = true
	}
	set(body, "grants", b.grants(k))
	return body
}

// multiRegion says of a key that it is one of a set. A world can tell that it is
// a replica only beside the primary's Region.
func (b *builder) multiRegion(k Key, body object) {
	set := k.MultiRegionConfiguration
	primary := set.PrimaryKey.Region
	switch {
	case set.MultiRegionKeyType != "REPLICA":
		body["multi-region"] = true
	case slices.ContainsFunc(b.c.Keys, func(o Key) bool { return o.AWSAccountId == k.AWSAccountId && o.region() == primary }):
		body["replica-of"] = primary
	default:
		b.c.note("key %s is a replica: it is there as a primary key, since nothing of %s is", k.Arn, primary)
		body["multi-region"] = true
	}
}

func (b *builder) grants(k Key) object {
	all := object{}
	for _, g := range k.Grants {
		body := object{"grantee": b.party(g.GranteePrincipal), "operations": g.Operations}
		if g.RetiringPrincipal != "" {
			body["retiree"] = b.party(g.RetiringPrincipal)
		}
		set(body, "equals", pairs(g.Constraints.EncryptionContextEquals))
		set(body, "subset", pairs(g.Constraints.EncryptionContextSubset))
		name := cmp.Or(g.Name, "grant-"+g.GrantId[:min(8, len(g.GrantId))])
		for i := 2; all[name] != nil; i++ {
			name = fmt.Sprintf("%s-%d", cmp.Or(g.Name, "grant-"+g.GrantId[:min(8, len(g.GrantId))]), i)
		}
		all[name] = body
	}
	return all
}

// party makes sure that a grantee or retiring principal is in the world.
func (b *builder) party(who string) string {
	switch {
	case !strings.HasPrefix(who, "arn:"):
		b.services[who] = true
	default:
		b.person(who)
	}
	return who
}

func pairs(all map[string]string) object {
	o := object{}
	for name, value := range all {
		o[name] = value
	}
	return o
}

// endpoints writes the VPC endpoints of the service.
func (b *builder) endpoints() object {
	all := object{}
	for _, e := range b.c.Endpoints {
		parts := strings.Split(e.ServiceName, ".") // com.amazonaws.REGION.kms
		if n := len(parts); n < 4 || !strings.HasPrefix(parts[n-1], "kms") {
			continue
		}
		region := parts[len(parts)-2]
		b.regions[region] = true
		b.account(e.OwnerId)
		body := object{"account": e.OwnerId, "region": region, "vpc": e.VpcId}
		if e.PolicyDocument != "" {
			file, ok := b.policy(policy.Endpoint, e.OwnerId, e.VpcEndpointId, e.PolicyDocument)
			if !ok {
				b.c.note("left out: endpoint %s, whose policy cannot be read", e.VpcEndpointId)
				continue
			}
			body["policy"] = file
		}
		all[e.VpcEndpointId] = body
	}
	return all
}
