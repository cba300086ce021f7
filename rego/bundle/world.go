package bundle

// A World is what a bundle knows by name, so that questions need not say it.
// Contexts hold condition keys in lower case.
type World struct {
	Principals map[string]Principal // by ARN
	Resources  map[string]Resource  // by ARN
	Accounts   map[string]Account   // by id
	Endpoints  map[string]Endpoint  // by id
	Actions    map[string]Action    // by canonical name
}

type (
	// Levels are names of policies by level.
	Levels [][]string
	// Layers are names of policies by layer of the decision.
	Layers map[string]Levels
)

// A Principal is a caller.
type Principal struct {
	Names     []string            `json:"names"` // besides its ARN
	Principal map[string]any      `json:"principal"`
	Context   map[string][]string `json:"context"`
	Policies  Layers              `json:"policies"`
}

// A Resource is what a question can be about.
type Resource struct {
	Names    []string            `json:"names"` // besides its ARN
	Kind     string              `json:"kind"`  // key or role
	Resource map[string]any      `json:"resource"`
	Context  map[string][]string `json:"context"`
	Policies Layers              `json:"policies"`
	Grants   []Grant             `json:"grants"`
}

// An Account is what a question without a resource is about.
type Account struct {
	Resource map[string]any `json:"resource"` // without ARN
	Policies Layers         `json:"policies"`
}

// An Endpoint is a VPC endpoint.
type Endpoint struct {
	Context  map[string][]string `json:"context"`
	Policies Layers              `json:"policies"`
}

// An Action is what follows from the action of a question.
type Action struct {
	// Rules of evaluation by what the action is asked about: a kind of
	// resource, or none.
	Rules        map[string]string `json:"rules"`
	CrossAccount bool              `json:"cross_account_possible"`
	// Keys are the service's own condition keys that its requests can have.
	Keys []string `json:"keys"`
	// Context is that of a request that says no more than it must.
	Context map[string][]string `json:"context"`
}

// A Grant is a grant as grants.rego takes it. Nil pairs are no constraint.
type Grant struct {
	ID         string            `json:"id"`
	Grantee    *Party            `json:"grantee"`
	Retiree    *Party            `json:"retiree"`
	Issuer     string            `json:"issuer"`
	Operations []string          `json:"operations"` // as actions
	Equals     map[string]string `json:"equals"`
	Subset     map[string]string `json:"subset"`
}

// A Party is a principal of a grant, in the words of input.principal.
type Party struct {
	Via string `json:"via"`
	ID  string `json:"id"`
}

// data is what data.json says of the world.
func (w World) data(policies map[string]entry) map[string]any {
	return map[string]any{
		"principals": orEmpty(w.Principals), "resources": orEmpty(w.Resources), "accounts": orEmpty(w.Accounts), "endpoints": orEmpty(w.Endpoints),
		"actions": orEmpty(w.Actions), "policies": orEmpty(policies),
	}
}

// orEmpty is an object in JSON also for nil.
func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}
