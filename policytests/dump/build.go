package dump

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// An object is a mapping of a world file.
type object = map[string]any

// A builder makes the files of a world.
type builder struct {
	c         *Contents
	partition string
	files     map[string][]byte
	accounts  map[string]object
	regions   map[string]bool
	services  map[string]bool
}

// Files makes the files of a world: world.yaml, and a file for each policy.
// Principals that policies and grants name and nobody told of are there with no
// policies; Notes say so, and what else is not as it was told.
func (c *Contents) Files() (map[string][]byte, error) {
	b := &builder{
		c: c, partition: c.partition(), files: map[string][]byte{}, accounts: map[string]object{},
		regions: map[string]bool{}, services: map[string]bool{},
	}
	for id := range c.Accounts {
		b.account(id)
	}
	for _, k := range c.Keys {
		b.regions[k.region()] = true
	}
	for _, id := range slices.Sorted(maps.Keys(c.Accounts)) {
		b.iam(id, c.Accounts[id])
	}
	top := object{"version": 1, "accounts": b.accounts}
	b.keys()
	set(top, "aws-managed-policies", b.shipped())
	set(top, "endpoints", b.endpoints())
	if c.Org != nil && c.Org.Id != "" && c.Org.Root != "" {
		top["organization"] = b.organization()
	}
	top["regions"] = slices.Sorted(maps.Keys(b.regions))
	if b.partition != "aws" {
		top["partition"] = b.partition
	}
	set(top, "services", b.integrated())
	text, err := yaml.Marshal(top)
	if err != nil {
		return nil, fmt.Errorf("writing the world: %w", err)
	}
	b.files["world.yaml"] = append([]byte("# Made of what AWS's APIs told. engine/world/FORMAT.md describes the format.\n"), text...)
	return b.files, nil
}

// partition is that of the ARNs.
func (c *Contents) partition() string {
	for _, k := range c.Keys {
		return cmp.Or(part(k.Arn, 1), "aws")
	}
	for _, a := range c.Accounts {
		for _, r := range a.Roles {
			return cmp.Or(part(r.Arn, 1), "aws")
		}
		for _, u := range a.Users {
			return cmp.Or(part(u.Arn, 1), "aws")
		}
	}
	return "aws"
}

// set gives an object a field, unless the value is empty.
func set(o object, name string, value any) {
	switch v := value.(type) {
	case string:
		if v == "" {
			return
		}
	case object:
		if len(v) == 0 {
			return
		}
	case []string:
		if len(v) == 0 {
			return
		}
	}
	o[name] = value
}

// child is the object in a field of another, made if it is not there.
func child(o object, name string) object {
	if inner, is := o[name].(object); is {
		return inner
	}
	inner := object{}
	o[name] = inner
	return inner
}

var aliasForm = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

// account is the account with an id, made if it is not there.
func (b *builder) account(id string) object {
	if b.accounts[id] == nil {
		b.accounts[id] = object{}
		if a := b.c.Accounts[id]; a != nil && aliasForm.MatchString(a.Name) {
			b.accounts[id]["name"] = a.Name
		}
	}
	return b.accounts[id]
}

// infixes are how file names tell the kind of a policy.
var infixes = map[policy.Kind]string{
	policy.Key: "key", policy.Trust: "trust", policy.Identity: "iam", policy.Endpoint: "vpce", policy.SCP: "scp", policy.RCP: "rcp",
}

// policy writes a policy to a file, and returns its name. It is false for one
// that cannot be read, which a note then tells.
func (b *builder) policy(kind policy.Kind, folder, name string, d Document) (string, bool) {
	text := b.revived(string(d))
	doc, err := policy.Parse(kind, []byte(text))
	if err != nil {
		b.c.note("left out: the %s policy %s: %v", kind, name, err)
		return "", false
	}
	b.people(doc)
	file := "policies/" + folder + "/" + fileLetters.ReplaceAllString(name, "-") + "." + infixes[kind] + ".json"
	for i := 2; b.files[file] != nil; i++ {
		file = fmt.Sprintf("policies/%s/%s-%d.%s.json", folder, fileLetters.ReplaceAllString(name, "-"), i, infixes[kind])
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(text), "", "  "); err != nil {
		pretty.Reset()
		pretty.WriteString(text)
	}
	b.files[file] = append(bytes.TrimSpace(pretty.Bytes()), '\n')
	return file, true
}

// fileLetters are what names of files do without.
var fileLetters = regexp.MustCompile(`[^A-Za-z0-9_+=,.@-]+`)

// deletedID is how policies name a principal that was deleted: by its unique
// id alone.
var deletedID = regexp.MustCompile(`"(A(?:ID|RO)A[A-Z0-9]{12,60})"`)

// revived has policies name deleted principals by ARNs of principals that are
// made for it: a policy as it is written cannot name an id.
func (b *builder) revived(text string) string {
	return deletedID.ReplaceAllStringFunc(text, func(quoted string) string {
		id := strings.Trim(quoted, `"`)
		owner := b.anyAccount()
		section, kind, body := "users", "user", object{"id": id}
		if strings.HasPrefix(id, "AROA") {
			section, kind, body = "roles", "role", object{"id": id, "trust": nobody()}
		}
		name := "deleted-" + id
		child(b.account(owner), section)[name] = body
		b.c.note("%s is the id of a principal that was deleted: it is there as %s/%s, and nobody's", id, kind, name)
		return `"arn:` + b.partition + ":iam::" + owner + ":" + kind + "/" + name + `"`
	})
}

// anyAccount is the first of the accounts.
func (b *builder) anyAccount() string {
	return slices.Min(slices.Collect(maps.Keys(b.accounts)))
}

// nobody is a trust policy that trusts nobody.
func nobody() object {
	return object{"Version": policy.Version2012, "Statement": []any{
		object{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"},
	}}
}

// people makes sure that all whom a policy names are in the world.
func (b *builder) people(d *policy.Document) {
	for _, s := range d.Statements {
		for _, p := range s.Principals {
			switch p.Type {
			case policy.Account:
				b.account(p.Account)
			case policy.User, policy.Role, policy.RoleSession, policy.FederatedUser:
				b.person(p.Text)
			case policy.Service:
				b.services[p.Text] = true
			}
		}
		for _, c := range s.Conditions {
			if c.Key != "kms:viaservice" {
				continue
			}
			for _, v := range c.Values {
				b.services[v.Text] = true
			}
		}
	}
}

// person makes sure that the one with an ARN is in the world.
func (b *builder) person(arn string) {
	id, rest := part(arn, 4), part(arn, 5)
	kind, path, _ := strings.Cut(rest, "/")
	if b.c.Known != nil && b.c.Known(arn) {
		return
	}
	a := b.account(id)
	if kind == "root" {
		return
	}
	name, section, body := path[strings.LastIndex(path, "/")+1:], "users", object{}
	folder := strings.TrimSuffix(path, name)
	switch kind {
	case "role":
		section, body = "roles", object{"trust": nobody()}
	case "assumed-role":
		name, _, _ = strings.Cut(path, "/")
		section, folder, body = "roles", "", object{"trust": nobody()}
	case "federated-user":
		section, folder, body = "federated-users", "", object{"access-keys": object{}}
	}
	if b.c.has(id, section, name) || child(a, section)[name] != nil {
		return
	}
	if folder != "" {
		body["path"] = "/" + folder
	}
	child(a, section)[name] = body
	b.c.note("%s is named, and nothing is known of it: it is there without policies", arn)
}

// has tells whether an account was told to have a user or role.
func (c *Contents) has(account, section, name string) bool {
	a := c.Accounts[account]
	switch {
	case a == nil:
		return false
	case section == "users":
		return slices.ContainsFunc(a.Users, func(u User) bool { return u.UserName == name })
	case section == "roles":
		return slices.ContainsFunc(a.Roles, func(r Role) bool { return r.RoleName == name })
	}
	return false
}

// regional takes the Region out of a service's name.
var regional = regexp.MustCompile(`^([a-z0-9-]+)\.(?:[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2})\.amazonaws\.com(?:\.cn)?$`)

// integrated are the services that policies and grants name: on AWS they act
// for everybody.
func (b *builder) integrated() object {
	names := map[string]bool{}
	for name := range b.services {
		if m := regional.FindStringSubmatch(name); m != nil {
			name = m[1] + ".amazonaws.com"
		}
		if serviceForm.MatchString(name) {
			names[name] = true
		}
	}
	all := object{}
	for name := range names {
		all[name] = object{"access-keys": object{}, "acts-for": []any{object{
			"accounts": slices.Sorted(maps.Keys(b.accounts)), "regions": slices.Sorted(maps.Keys(b.regions)), "actions": []string{"kms:*"},
		}}}
	}
	return all
}

var serviceForm = regexp.MustCompile(`^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$`)
