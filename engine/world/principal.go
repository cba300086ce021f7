package world

import (
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// UniqueID translates the ARN of a principal into the name by which decisions
// know it now: the unique id of a user or role, "<role id>:<session>" for a
// session of a role, "<account>:<name>" for a federated user. It is false for
// a principal that does not exist, and for what is no such ARN.
func (w *World) UniqueID(arn string) (string, bool) {
	if p, ok := w.byARN[arn]; ok {
		return p.PrincipalID(), true
	}
	account, rest, ok := w.splitSTS(arn)
	if !ok {
		return "", false
	}
	kind, name, _ := strings.Cut(rest, "/")
	switch kind {
	case "federated-user":
		return account + ":" + name, w.accounts[account] != nil && isSession(name) == ""
	case "assumed-role":
		name, session, _ := strings.Cut(name, "/")
		role := w.RoleByName(account, name)
		if role == nil || isSession(session) != "" {
			return "", false
		}
		return role.ID + ":" + session, true
	}
	return "", false
}

// splitSTS takes arn:PARTITION:sts::ACCOUNT:REST apart.
func (w *World) splitSTS(arn string) (account, rest string, ok bool) {
	tail, ok := strings.CutPrefix(arn, "arn:"+w.partition+":sts::")
	if !ok {
		return "", "", false
	}
	return strings.Cut(tail, ":")
}

// RoleByName returns a role by its name without path, as the ARNs of its
// sessions have it; nil if there is none.
func (w *World) RoleByName(account, name string) *Role {
	a := w.accounts[account]
	if a == nil {
		return nil
	}
	for _, r := range a.Roles {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Unknown lists the principals of a document that do not exist in this world,
// in the order of the document. Services, identity providers and canonical
// users are not part of a world's principals and so never unknown.
func (w *World) Unknown(d *policy.Document) []policy.Principal {
	var unknown []policy.Principal
	for _, s := range d.Statements {
		for _, p := range s.Principals {
			if !w.knows(p) {
				unknown = append(unknown, p)
			}
		}
	}
	return unknown
}

func (w *World) knows(p policy.Principal) bool {
	switch p.Type {
	case policy.Everyone, policy.Service, policy.Federated, policy.CanonicalUser:
		return true
	case policy.Account:
		_, known := w.accounts[p.Account]
		return known && (p.Text == p.Account || strings.HasPrefix(p.Text, "arn:"+w.partition+":"))
	case policy.User, policy.Role, policy.RoleSession, policy.FederatedUser:
		_, known := w.UniqueID(p.Text)
		return known
	default:
		return false
	}
}

// UniqueIDs maps the ARN of each principal in a document to its unique id, for
// keeping beside the document: what the ARN stands for later does not matter
// . Principals that do not exist are left out.
func (w *World) UniqueIDs(d *policy.Document) map[string]string {
	ids := make(map[string]string)
	for _, s := range d.Statements {
		for _, p := range s.Principals {
			if id, ok := w.UniqueID(p.Text); ok {
				ids[p.Text] = id
			}
		}
	}
	return ids
}

// knowsARN tells whether an ARN names an account of the world or one of its
// principals.
func (w *World) knowsARN(arn string) bool {
	if id, ok := w.RootAccount(arn); ok {
		return w.accounts[id] != nil
	}
	_, known := w.UniqueID(arn)
	return known
}

// RootAccount takes the account out of the ARN of an account's root user.
func (w *World) RootAccount(arn string) (string, bool) {
	tail, ok := strings.CutPrefix(arn, "arn:"+w.partition+":iam::")
	if !ok {
		return "", false
	}
	id, ok := strings.CutSuffix(tail, ":root")
	return id, ok && accountID.MatchString(id)
}
