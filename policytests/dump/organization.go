package dump

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// organization writes the tree of units, from the root down.
func (b *builder) organization() object {
	o := b.c.Org
	files := b.guardrails()
	root := b.unit(o.Root, files)
	if o.MasterAccountId != "" {
		b.account(o.MasterAccountId)
		if o.Parents[o.MasterAccountId] == "" {
			child(root, "accounts")[o.MasterAccountId] = b.level(o.MasterAccountId, files)
		}
	}
	return object{"id": o.Id, "management-account": o.MasterAccountId, "root": root}
}

// unit is the root or a unit with all below it.
func (b *builder) unit(id string, files map[string]string) object {
	o := b.c.Org
	unit := b.level(id, files)
	unit["id"] = id
	for _, below := range slices.Sorted(maps.Keys(o.Parents)) {
		switch {
		case o.Parents[below] != id:
		case strings.HasPrefix(below, "ou-"):
			child(unit, "units")[cmp.Or(o.Names[below], below)] = b.unit(below, files)
		default:
			b.account(below)
			child(unit, "accounts")[below] = b.level(below, files)
		}
	}
	return unit
}

// sections are where the kinds of policies of an organization stand.
var sections = map[string]string{"SERVICE_CONTROL_POLICY": "scps", "RESOURCE_CONTROL_POLICY": "rcps"}

// level is what is attached to a root, unit or account.
func (b *builder) level(id string, files map[string]string) object {
	body := object{}
	for _, p := range b.c.Org.Policies {
		section, kept := sections[p.Type]
		if file := files[p.Id]; kept && file != "" && slices.Contains(p.Targets, id) {
			child(body, section)[fileLetters.ReplaceAllString(p.Name, "-")] = file
		}
	}
	return body
}

// guardrails writes the policies of the organization, and returns their files
// by id. RCPFullAWSAccess is everywhere without being named.
func (b *builder) guardrails() map[string]string {
	files := map[string]string{}
	for _, p := range b.c.Org.Policies {
		kind := policy.SCP
		switch {
		case p.Type == "RESOURCE_CONTROL_POLICY" && p.AwsManaged:
			continue
		case p.Type == "RESOURCE_CONTROL_POLICY":
			kind = policy.RCP
		case p.Type != "SERVICE_CONTROL_POLICY":
			continue
		}
		if file, ok := b.policy(kind, "organization", p.Name, Document(p.Content)); ok {
			files[p.Id] = file
		}
	}
	return files
}
