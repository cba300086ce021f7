package world

import "time"

// A Key is a KMS key as a world describes it: what tests and the REPL decide
// about, and what a development server creates at its first start.
type Key struct {
	Account     string
	Region      string
	Name        string // how case lines call it: key/payroll
	ID          string // key id; the same each time for the same account, Region and name
	ARN         string
	Spec        string
	Usage       string
	Origin      string
	Description string
	State       string // Enabled, Disabled, PendingDeletion or PendingImport
	AWSManaged  bool
	MultiRegion bool
	ReplicaOf   string  // Region of the primary key, of a replica; else empty
	Policy      *Policy // nil: the default key policy
	Tags        map[string]string
	Aliases     []string // alias/…, sorted
	Grants      []*Grant // by name
}

// A Grant is a grant on a key of the world.
type Grant struct {
	ID         string // 64 hexadecimal digits
	Name       string
	Grantee    string // ARN
	Retiree    string // ARN, empty without one
	Operations []string
	Equals     map[string]string // encryption context constraints
	Subset     map[string]string
	Created    time.Time // zero: not said
}
