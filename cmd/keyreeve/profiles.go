package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A profile is one section of an AWS configuration file.
type profile struct {
	name    string
	key     *world.AccessKey // nil for a role
	role    *world.Role
	source  string // for a role: the profile that assumes it
	session string
}

// profiles is an AWS configuration file with a profile for each root user and
// each user that has an access key, and for each role that one of them can try
// to assume.
func (d devWorld) profiles() string {
	var b strings.Builder
	b.WriteString("# Written by keyreeve serve --dev at each start. Holds secrets.\n")
	for _, p := range d.sections() {
		fmt.Fprintf(&b, "\n[profile %s]\n", p.name)
		if p.role != nil {
			fmt.Fprintf(&b, "role_arn = %s\nsource_profile = %s\nrole_session_name = %s\n", p.role.ARN, p.source, p.session)
		} else {
			fmt.Fprintf(&b, "aws_access_key_id = %s\naws_secret_access_key = %s\n", p.key.ID, p.key.Secret.Expose())
		}
		fmt.Fprintf(&b, "region = %s\nendpoint_url = %s\n", d.world.Regions()[0], d.url)
		if d.authority != "" {
			fmt.Fprintf(&b, "ca_bundle = %s\n", absolute(d.authority))
		}
	}
	return b.String()
}

// names are the names of all profiles.
func (d devWorld) names() []string {
	var names []string
	for _, p := range d.sections() {
		names = append(names, p.name)
	}
	return names
}

func (d devWorld) sections() []profile {
	var all []profile
	taken := map[string]bool{}
	name := func(name, account string) string {
		if taken[name] {
			name += "-" + account
		}
		taken[name] = true
		return name
	}
	for _, a := range d.world.Accounts() {
		if k := active(a.RootKeys); k != nil {
			all = append(all, profile{name: name("root", a.ID), key: k})
		}
		users := map[string]profile{}
		for _, u := range a.Users {
			if k := active(u.Keys); k != nil {
				p := profile{name: name(u.Name, a.ID), key: k}
				all, users[u.ARN] = append(all, p), p
			}
		}
		for _, r := range a.Roles {
			if by, ok := assumer(a, r, users); ok {
				all = append(all, profile{name: name(r.Name, a.ID), role: r, source: by.name, session: sessionName(by.key)})
			}
		}
	}
	return all
}

// assumer is the user of the account that the trust policy of a role names, or
// else the first one.
func assumer(a *world.Account, r *world.Role, users map[string]profile) (by profile, ok bool) {
	for _, s := range r.Trust.Document.Statements {
		for _, p := range s.Principals {
			if by, ok := users[p.Text]; ok && p.Type == policy.User {
				return by, true
			}
		}
	}
	for _, u := range a.Users {
		if by, ok := users[u.ARN]; ok {
			return by, true
		}
	}
	return profile{}, false
}

// sessionName names the sessions of a profile. The AWS CLI keeps sessions in
// its cache by role and session name, so the name differs between data
// directories: a session of one that was deleted is not offered to the next.
func sessionName(k *world.AccessKey) string {
	sum := sha256.Sum256([]byte(k.ID))
	name := k.User.Name
	return name[:min(len(name), 57)] + "-" + hex.EncodeToString(sum[:3])
}
