package dump

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// maxFile bounds one file of a dump, in bytes.
const maxFile = 64 << 20

// A file is anything that AWS's command line prints: the fields of all answers
// that are read. What a file is, its fields tell.
type file struct {
	UserDetailList  []User
	GroupDetailList []Group
	RoleDetailList  []Role
	Policies        json.RawMessage // IAM: []ManagedPolicy

	KeyMetadata *Key
	Grants      []Grant
	Aliases     []struct{ AliasName, TargetKeyId string }
	Tags        []Tag
	Policy      json.RawMessage // KMS: a text; Organizations: an object

	VpcEndpoints []Endpoint

	Organization       *struct{ Id, MasterAccountId string }
	Roots              []struct{ Id string }
	OrganizationalUnit *struct{ Id, Name string }
	Account            json.RawMessage // Organizations: an object; STS: a text
	Parents            []struct{ Id string }
	Targets            []struct{ TargetId string }

	empty bool // nothing was printed
}

// Read takes in a directory of files as AWS's command line prints them. What a
// file is about, its fields tell; where they do not, as in the answer to
// GetKeyPolicy, the folder does: files about one key, policy, unit or account
// lie in a folder with what describes it. Files that tell nothing of this are
// left out, with a note.
func Read(dir string) (*Contents, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the dump: %w", err)
	}
	defer func() { _ = root.Close() }() // nothing was written
	return ReadFS(root.FS())
}

// ReadFS is Read on a file system.
func ReadFS(fsys fs.FS) (*Contents, error) {
	folders := map[string][]named{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		f, err := open(fsys, name)
		if err != nil {
			return err
		}
		folders[path.Dir(name)] = append(folders[path.Dir(name)], named{name, f})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the dump: %w", err)
	}
	c := &Contents{}
	names := make([]string, 0, len(folders))
	for name := range folders {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := c.folder(folders[name]); err != nil {
			return nil, fmt.Errorf("reading the dump: %w", err)
		}
	}
	if len(c.Accounts)+len(c.Keys) == 0 {
		return nil, errors.New("reading the dump: there is no account and no key in it")
	}
	return c, nil
}

// A named file says where it lies.
type named struct {
	name string
	file
}

func open(fsys fs.FS, name string) (file, error) {
	var f file
	info, err := fs.Stat(fsys, name)
	switch {
	case err != nil:
		return f, err
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return f, fmt.Errorf("%s is no file, or larger than 64 MiB", name)
	}
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return f, err
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		return file{empty: true}, nil // what a command that failed left behind
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// folder reads the files of one folder: first those that say of themselves what
// they are about, then those that are about the same.
func (c *Contents) folder(files []named) error {
	var key *Key
	var policy *OrgPolicy
	child := ""
	for _, f := range files {
		id, err := c.describing(f, &key, &policy)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if id != "" {
			child = id
		}
	}
	for _, f := range files {
		if !c.belonging(f, key, policy, child) {
			c.note("%s tells nothing that a world has", f.name)
		}
	}
	if key != nil {
		c.Keys = append(c.Keys, *key)
	}
	if policy != nil {
		c.org().Policies = append(c.org().Policies, *policy)
	}
	return nil
}

// describing reads a file that says what it is about. id is that of the unit
// or account of an organization that it describes.
func (c *Contents) describing(f named, key **Key, policy **OrgPolicy) (id string, err error) {
	switch {
	case f.KeyMetadata != nil:
		*key = f.KeyMetadata
		c.account(f.KeyMetadata.AWSAccountId)
	case f.Organization != nil:
		c.org().Id, c.org().MasterAccountId = f.Organization.Id, f.Organization.MasterAccountId
	case len(f.Roots) > 0:
		c.org().Root = f.Roots[0].Id
	case f.OrganizationalUnit != nil:
		c.org().Names[f.OrganizationalUnit.Id] = f.OrganizationalUnit.Name
		return f.OrganizationalUnit.Id, nil
	case isObject(f.Account):
		var a struct{ Id, Name string }
		if err := json.Unmarshal(f.Account, &a); err != nil {
			return "", err
		}
		c.account(a.Id).Name = a.Name
		return a.Id, nil
	case isObject(f.Policy):
		p := &OrgPolicy{}
		var whole struct {
			PolicySummary *OrgPolicy
			Content       string
		}
		whole.PolicySummary = p
		if err := json.Unmarshal(f.Policy, &whole); err != nil {
			return "", err
		}
		p.Content, *policy = whole.Content, p
	case f.RoleDetailList != nil || f.UserDetailList != nil:
		return "", c.iam(f.file)
	case f.VpcEndpoints != nil:
		c.Endpoints = append(c.Endpoints, f.VpcEndpoints...)
	}
	return "", nil
}

func isObject(text json.RawMessage) bool { return len(text) > 0 && text[0] == '{' }

// belonging reads a file that is about what its folder is about. It is false
// for one that tells nothing.
func (c *Contents) belonging(f named, key *Key, policy *OrgPolicy, child string) bool {
	switch {
	case len(f.Policy) > 0 && f.Policy[0] == '"' && key != nil:
		return key.Policy.UnmarshalJSON(f.Policy) == nil
	case f.empty:
		c.note("%s is empty: what should stand there is not known", f.name)
	case f.Grants != nil && key != nil:
		key.Grants, key.GrantsKnown = append(key.Grants, f.Grants...), true
	case f.Aliases != nil && key != nil:
		for _, a := range f.Aliases {
			if a.TargetKeyId == key.KeyId {
				key.Aliases = append(key.Aliases, a.AliasName)
			}
		}
	case f.Tags != nil && key != nil:
		key.Tags = append(key.Tags, f.Tags...)
	case f.Targets != nil && policy != nil:
		for _, t := range f.Targets {
			policy.Targets = append(policy.Targets, t.TargetId)
		}
	case len(f.Parents) > 0 && child != "":
		c.org().Parents[child] = f.Parents[0].Id
	default:
		return f.KeyMetadata != nil || f.Organization != nil || len(f.Roots) > 0 || f.OrganizationalUnit != nil || len(f.Account) > 0 ||
			isObject(f.Policy) || f.RoleDetailList != nil || f.UserDetailList != nil || f.VpcEndpoints != nil
	}
	return true
}

// iam reads the answer to GetAccountAuthorizationDetails.
func (c *Contents) iam(f file) error {
	var managed []ManagedPolicy
	if f.Policies != nil {
		if err := json.Unmarshal(f.Policies, &managed); err != nil {
			return err
		}
	}
	for _, u := range f.UserDetailList {
		a := c.account(part(u.Arn, 4))
		a.Users = append(a.Users, u)
	}
	for _, g := range f.GroupDetailList {
		a := c.account(part(g.Arn, 4))
		a.Groups = append(a.Groups, g)
	}
	for _, r := range f.RoleDetailList {
		a := c.account(part(r.Arn, 4))
		a.Roles = append(a.Roles, r)
	}
	for _, p := range managed {
		if id := part(p.Arn, 4); id != "aws" {
			a := c.account(id)
			a.Own = append(a.Own, p)
		} else if !slices.ContainsFunc(c.Managed, func(have ManagedPolicy) bool { return have.Arn == p.Arn }) {
			c.Managed = append(c.Managed, p)
		}
	}
	return nil
}
