package dump

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// iam writes what IAM told of an account.
func (b *builder) iam(id string, a *Account) {
	to := b.account(id)
	for _, p := range a.Own {
		if file, ok := b.policy(policy.Identity, id, p.PolicyName, p.document()); ok {
			child(to, "managed-policies")[p.PolicyName] = pathed(p.Path, file)
		}
	}
	for _, g := range a.Groups {
		body := object{}
		b.attach(body, id, "group-"+g.GroupName, g.GroupPolicyList, g.AttachedManagedPolicies)
		set(body, "path", otherThanRoot(g.Path))
		child(to, "groups")[g.GroupName] = body
	}
	for _, u := range a.Users {
		body := object{}
		set(body, "id", u.UserId)
		set(body, "path", otherThanRoot(u.Path))
		set(body, "groups", b.groups(a, u))
		set(body, "tags", tags(u.Tags))
		b.attach(body, id, "user-"+u.UserName, u.UserPolicyList, u.AttachedManagedPolicies)
		b.bound(body, id, u.PermissionsBoundary)
		child(to, "users")[u.UserName] = body
	}
	for _, r := range a.Roles {
		body := object{"trust": nobody()}
		if file, ok := b.policy(policy.Trust, id, "role-"+r.RoleName, r.AssumeRolePolicyDocument); ok {
			body["trust"] = file
		}
		set(body, "id", r.RoleId)
		set(body, "path", otherThanRoot(r.Path))
		set(body, "tags", tags(r.Tags))
		b.attach(body, id, "role-"+r.RoleName, r.RolePolicyList, r.AttachedManagedPolicies)
		b.bound(body, id, r.PermissionsBoundary)
		child(to, "roles")[r.RoleName] = body
	}
}

// groups are those of a user that were told of.
func (b *builder) groups(a *Account, u User) []string {
	var all []string
	for _, name := range u.GroupList {
		if slices.ContainsFunc(a.Groups, func(g Group) bool { return g.GroupName == name }) {
			all = append(all, name)
			continue
		}
		b.c.note("%s is in the group %s, of which nothing is known: it is there without", u.Arn, name)
	}
	return all
}

// pathed is a managed policy with its path, where it has one.
func pathed(path, file string) any {
	if p := otherThanRoot(path); p != "" {
		return object{"path": p, "policy": file}
	}
	return file
}

func otherThanRoot(path string) string {
	if path == "/" {
		return ""
	}
	return path
}

func tags(list []Tag) object {
	all := object{}
	for _, t := range list {
		all[t.Key+t.TagKey] = t.Value + t.TagValue
	}
	return all
}

// attach writes the policies of a principal or group.
func (b *builder) attach(body object, id, owner string, inline []Inline, managed []Attached) {
	for _, p := range inline {
		if file, ok := b.policy(policy.Identity, id, owner+"-"+p.PolicyName, p.PolicyDocument); ok {
			child(body, "policies")[p.PolicyName] = file
		}
	}
	var names []string
	for _, p := range managed {
		if name, ok := b.managed(id, p.PolicyArn); ok {
			names = append(names, name)
		}
	}
	set(body, "managed", names)
}

func (b *builder) bound(body object, id string, boundary *Boundary) {
	if boundary == nil || boundary.PermissionsBoundaryArn == "" {
		return
	}
	if name, ok := b.managed(id, boundary.PermissionsBoundaryArn); ok {
		body["boundary"] = name
	}
}

// managed is a managed policy as an account names it: its own by name, those
// of AWS by ARN.
func (b *builder) managed(id, arn string) (string, bool) {
	list := b.c.Managed
	if part(arn, 4) != "aws" {
		list = b.c.Accounts[id].Own
	}
	for _, p := range list {
		if p.Arn != arn {
			continue
		}
		if part(arn, 4) == "aws" {
			return arn, true
		}
		_, written := child(b.account(id), "managed-policies")[p.PolicyName]
		return p.PolicyName, written
	}
	if known[arn[strings.LastIndex(arn, "/")+1:]] && part(arn, 4) == "aws" {
		return arn, true
	}
	b.c.note("%s is attached in account %s, and its text is not known: it counts for nothing here", arn, id)
	return "", false
}

// known are the policies of AWS that every world has.
var known = map[string]bool{"AdministratorAccess": true, "AWSKeyManagementServicePowerUser": true}

// shipped are the managed policies of AWS.
func (b *builder) shipped() object {
	all := object{}
	for _, p := range b.c.Managed {
		if known[p.PolicyName] {
			continue
		}
		if file, ok := b.policy(policy.Identity, "aws", p.PolicyName, p.document()); ok {
			all[p.PolicyName] = pathed(p.Path, file)
			continue
		}
		b.c.note("what AWS's policy %s is attached to is left without it", p.PolicyName)
		b.detach(p.Arn)
	}
	return all
}

// detach takes a managed policy of AWS from all that it is attached to.
func (b *builder) detach(arn string) {
	for _, a := range b.accounts {
		for _, section := range []string{"users", "roles", "groups"} {
			for _, body := range child(a, section) {
				of := body.(object)
				if names, is := of["managed"].([]string); is {
					delete(of, "managed")
					set(of, "managed", without(names, arn))
				}
				if of["boundary"] == arn {
					delete(of, "boundary")
				}
			}
		}
	}
}

func without(names []string, name string) []string {
	var kept []string
	for _, n := range names {
		if n != name {
			kept = append(kept, n)
		}
	}
	return kept
}
