package ask

import (
	"context"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// DefaultPolicyName is the only name that a key policy can have (LST-07).
const DefaultPolicyName = "default"

// Codes of what is wrong with a document that is well formed.
const (
	CodeUnknownPrincipal policy.Code = "KR_PRINCIPAL_UNKNOWN"
	CodeLockout          policy.Code = "KR_LOCKOUT_CALLER"
)

// ReadPolicy parses a document that names principals and binds them to their
// unique ids of this moment. What is wrong comes back as policy.Errors: also
// principals that do not exist.
func ReadPolicy(w *world.World, kind policy.Kind, text string) (decision.Policy, error) {
	doc, err := policy.Parse(kind, []byte(text))
	if err != nil {
		return decision.Policy{}, err
	}
	ids, unknown := identity.Bind(w, doc)
	var faults policy.Errors
	for _, p := range unknown {
		faults = append(faults, policy.Error{Code: CodeUnknownPrincipal, Pos: p.Pos, Message: fmt.Sprintf(
			"Policy contains a statement with one or more invalid principals. (%s at %s, line %d: no such principal in this world)",
			p.Text, p.Pos.Path, p.Pos.Line)})
	}
	if len(faults) > 0 {
		return decision.Policy{}, faults
	}
	return decision.Policy{Name: DefaultPolicyName, Document: doc, Principals: ids}, nil
}

// everything is an identity policy that allows all: with it, a delegation to
// the account satisfies the lockout check.
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

var allowAll = func() decision.Policy {
	doc, err := policy.Parse(policy.Identity, []byte(everything))
	if err != nil {
		panic("ask: " + err.Error()) // the document is a constant
	}
	return decision.Policy{Name: "lockout-check", Document: doc}
}()

// errLockout refuses a policy under which the caller could not put another.
var errLockout = policy.Errors{{
	Code: CodeLockout, Message: "The new key policy will not allow you to update the key policy in the future.",
}}

// Lockout asks whether the caller could put another policy on a key that had
// p: p alone counts. If not, it returns policy.Errors; any other error
// means that there is no answer.
func (c Call) Lockout(ctx context.Context, e *decision.Engine, r Resource, p decision.Policy) error {
	p.Owner = r.Account
	q := c.Question(Check{Rule: decision.KeyPolicy, Action: "kms:PutKeyPolicy", Resource: r, Policy: &p})
	q.Identity = []decision.Policy{allowAll}
	q.Boundary, q.Session, q.SCP, q.RCP, q.Endpoint = nil, nil, nil, nil, nil
	q.Unguarded = true
	d, err := e.Decide(ctx, q)
	if err != nil {
		return fmt.Errorf("deciding the lockout check: %w", err)
	}
	if !d.Allowed {
		return errLockout
	}
	return nil
}

// UnlistedPolicy is the policy of a key that a world lists without one: that of
// an AWS managed key if it is one, else the default.
func UnlistedPolicy(w *world.World, k *world.Key) string {
	if !k.AWSManaged || len(k.Aliases) == 0 {
		return DefaultKeyPolicy(w.Partition(), k.Account)
	}
	name := strings.TrimPrefix(k.Aliases[0], "alias/aws/")
	via := name + "." + k.Region + ".amazonaws.com"
	if service, known := w.ServiceOfKey(k.Aliases[0]); known {
		via = service.Via(k.Region)
	}
	return ManagedKeyPolicy(w.Partition(), k.Account, name, via)
}

// DefaultKeyPolicy is what a key gets when CreateKey names no policy (CRK-06).
func DefaultKeyPolicy(partition, account string) string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:%s:iam::%s:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`, partition, account)
}

// ManagedKeyPolicy is the policy of an AWS managed key: everybody in the
// account may use it through its service, named as kms:ViaService has it, and
// nobody otherwise (A-61, SV-007). Guide, "Key policy for the AWS managed key".
func ManagedKeyPolicy(partition, account, name, via string) string {
	return strings.NewReplacer("PARTITION", partition, "ACCOUNT", account, "NAME", name, "VIA", via).Replace(`{
  "Version" : "2012-10-17",
  "Id" : "auto-NAME-1",
  "Statement" : [ {
    "Sid" : "Use through VIA by all of the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:ViaService" : "VIA",
        "kms:CallerAccount" : "ACCOUNT"
      }
    }
  }, {
    "Sid" : "Direct access to metadata for the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:PARTITION:iam::ACCOUNT:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  } ]
}`)
}
