// Package dump makes a world of what AWS's command line, or a running service,
// tells of accounts and keys.
package dump

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Contents is what was told, in the words of AWS's APIs.
type Contents struct {
	Accounts  map[string]*Account // by id
	Managed   []ManagedPolicy     // of AWS itself
	Keys      []Key
	Endpoints []Endpoint
	Org       *Organization // nil: none was told of
	// Known tells whether a world that the keys come into has a principal; nil:
	// there is no such world.
	Known func(arn string) bool
	// Notes tell what could not be read, and what a world cannot have.
	Notes []string
}

// An Account is what IAM tells of one.
type Account struct {
	Name   string
	Users  []User
	Groups []Group
	Roles  []Role
	Own    []ManagedPolicy // customer managed
}

// A User is an IAM user: an entry of UserDetailList.
type User struct {
	Path, UserName, UserId, Arn string
	UserPolicyList              []Inline
	GroupList                   []string
	AttachedManagedPolicies     []Attached
	PermissionsBoundary         *Boundary
	Tags                        []Tag
}

// A Group is an IAM group: an entry of GroupDetailList.
type Group struct {
	Path, GroupName, Arn    string
	GroupPolicyList         []Inline
	AttachedManagedPolicies []Attached
}

// A Role is an IAM role: an entry of RoleDetailList.
type Role struct {
	Path, RoleName, RoleId, Arn string
	AssumeRolePolicyDocument    Document
	RolePolicyList              []Inline
	AttachedManagedPolicies     []Attached
	PermissionsBoundary         *Boundary
	Tags                        []Tag
}

// An Inline is an inline policy.
type Inline struct {
	PolicyName     string
	PolicyDocument Document
}

// An Attached names a managed policy.
type Attached struct{ PolicyName, PolicyArn string }

// A Boundary names the managed policy that is a permissions boundary.
type Boundary struct{ PermissionsBoundaryArn string }

// A ManagedPolicy is one with its versions: an entry of Policies.
type ManagedPolicy struct {
	PolicyName, Arn, Path string
	PolicyVersionList     []struct {
		Document         Document
		IsDefaultVersion bool
	}
}

// document is that of the version in force.
func (p ManagedPolicy) document() Document {
	for _, v := range p.PolicyVersionList {
		if v.IsDefaultVersion {
			return v.Document
		}
	}
	return ""
}

// A Tag of IAM has Key and Value, one of KMS TagKey and TagValue.
type Tag struct{ Key, Value, TagKey, TagValue string }

// A Key is a KMS key with all that belongs to it.
type Key struct {
	AWSAccountId, KeyId, Arn, Description, KeySpec, KeyUsage, KeyState, KeyManager, Origin string
	CustomerMasterKeySpec                                                                  string // of older versions of the API
	MultiRegion                                                                            bool
	MultiRegionConfiguration                                                               struct {
		MultiRegionKeyType string
		PrimaryKey         struct{ Region string }
	}

	Policy  Document
	Aliases []string
	Tags    []Tag
	Grants  []Grant
	// GrantsKnown: Grants are all that there are.
	GrantsKnown bool
}

// region is the one that the key's ARN names.
func (k Key) region() string { return part(k.Arn, 3) }

// A Grant is one on a key: an entry of ListGrants.
type Grant struct {
	GrantId, Name, GranteePrincipal, RetiringPrincipal string
	Operations                                         []string
	Constraints                                        struct{ EncryptionContextSubset, EncryptionContextEquals map[string]string }
}

// An Endpoint is a VPC endpoint: an entry of DescribeVpcEndpoints.
type Endpoint struct {
	VpcEndpointId, VpcId, ServiceName, OwnerId string
	PolicyDocument                             Document
}

// An Organization is the tree of units with the policies on them.
type Organization struct {
	Id, MasterAccountId string
	Root                string            // id
	Names               map[string]string // of units, by id
	Parents             map[string]string // of units and accounts, by id
	Policies            []OrgPolicy
}

// An OrgPolicy is an SCP or RCP with what it is attached to.
type OrgPolicy struct {
	Id, Name, Type string
	AwsManaged     bool
	Content        string
	Targets        []string // ids of root, units and accounts
}

// A Document is a policy. In JSON it is an object, or a text that holds one,
// which may be percent-encoded, as IAM's API has it.
type Document string

// UnmarshalJSON reads any of these forms.
func (d *Document) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	if len(text) > 0 && text[0] == '{' {
		*d = Document(text)
		return nil
	}
	var quoted string
	if err := json.Unmarshal(text, &quoted); err != nil {
		return errors.New("a policy is an object, or a text")
	}
	if strings.HasPrefix(quoted, "%7B") {
		plain, err := url.PathUnescape(quoted)
		if err != nil {
			return fmt.Errorf("a policy: %w", err)
		}
		quoted = plain
	}
	*d = Document(quoted)
	return nil
}

// part is the i-th part of an ARN, empty if there is none.
func part(arn string, i int) string {
	parts := strings.SplitN(arn, ":", 6)
	if i >= len(parts) {
		return ""
	}
	return parts[i]
}

// account is the one with an id, made if it is not there.
func (c *Contents) account(id string) *Account {
	if c.Accounts == nil {
		c.Accounts = map[string]*Account{}
	}
	if c.Accounts[id] == nil {
		c.Accounts[id] = &Account{}
	}
	return c.Accounts[id]
}

func (c *Contents) org() *Organization {
	if c.Org == nil {
		c.Org = &Organization{Names: map[string]string{}, Parents: map[string]string{}}
	}
	return c.Org
}

func (c *Contents) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.Notes, text) {
		c.Notes = append(c.Notes, text)
	}
}
