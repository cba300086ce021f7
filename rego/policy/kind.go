package policy

// Kind tells which schema a document follows. The zero value is invalid.
type Kind int

// The kinds of policies. Identity covers IAM policies of users, groups
// and roles, inline and managed.
const (
	Key Kind = iota + 1
	Identity
	Boundary
	Session
	SCP
	RCP
	Endpoint
	Trust
)

// schema says what a kind of policy may and must contain.
type schema struct {
	name string
	// title names the kind in messages.
	title string
	// principal: the kind has a Principal, and every statement needs one.
	principal bool
	// notPrincipal, notAction: the kind knows that element.
	notPrincipal, notAction bool
	resource                presence
	// sidAlnum: a Sid holds letters and digits only. sidUnique: no two
	// statements share one.
	sidAlnum, sidUnique bool
	// current: Version must be written and must be Version2012.
	current bool
	// latin: the text keeps to printable ASCII and Latin-1, tab, LF and CR.
	latin bool
	limit limit
}

// presence of an element.
type presence int

const (
	forbidden presence = iota
	optional
	required
)

var schemas = map[Kind]schema{
	Key: {name: "key", title: "a key policy", principal: true, notPrincipal: true, notAction: true,
		resource: optional, latin: true, limit: keyLimit},
	Identity: {name: "identity", title: "an identity-based policy", notAction: true,
		resource: required, sidAlnum: true, sidUnique: true, latin: true, limit: identityLimit},
	Boundary: {name: "boundary", title: "a permissions boundary", notAction: true,
		resource: required, sidAlnum: true, sidUnique: true, latin: true, limit: boundaryLimit},
	Session: {name: "session", title: "a session policy", notAction: true,
		resource: required, sidAlnum: true, sidUnique: true, latin: true, limit: sessionLimit},
	SCP: {name: "scp", title: "a service control policy", notAction: true,
		resource: required, sidUnique: true, current: true, limit: scpLimit},
	RCP: {name: "rcp", title: "a resource control policy", principal: true,
		resource: required, sidUnique: true, current: true, limit: rcpLimit},
	Endpoint: {name: "endpoint", title: "a VPC endpoint policy", principal: true, notPrincipal: true, notAction: true,
		resource: required, limit: endpointLimit},
	Trust: {name: "trust", title: "a role trust policy", principal: true,
		resource: forbidden, sidAlnum: true, sidUnique: true, latin: true, limit: trustLimit},
}

// Valid tells whether k is one of the kinds.
func (k Kind) Valid() bool { return k >= Key && k <= Trust }

// String names the kind in one lower-case word: "key", "identity", …
func (k Kind) String() string {
	if s, ok := schemas[k]; ok {
		return s.name
	}
	return "invalid kind"
}

// HasPrincipal tells whether statements of this kind name principals.
func (k Kind) HasPrincipal() bool { return schemas[k].principal }

// HasResource tells whether statements of this kind may name resources.
func (k Kind) HasResource() bool { return schemas[k].resource != forbidden }

// KindOf is the kind that String names.
func KindOf(name string) (Kind, bool) {
	for k, s := range schemas {
		if s.name == name {
			return k, true
		}
	}
	return 0, false
}
