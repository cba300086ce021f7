package decision

import "github.com/open-policy-agent/opa/v1/ast"

// Terms that inputs and answers are made of.
var (
	termAllow  = ast.StringTerm("allow")
	termDeny   = ast.StringTerm("deny")
	termReason = ast.StringTerm("reason")
	termLayer  = ast.StringTerm("layer")
	termGrants = ast.StringTerm("grants")

	termGuardrail = ast.StringTerm(string(LayerGuardrail))

	termAction     = ast.StringTerm("action")
	termResource   = ast.StringTerm("resource")
	termContext    = ast.StringTerm("context")
	termPrincipal  = ast.StringTerm("principal")
	termType       = ast.StringTerm("type")
	termAccount    = ast.StringTerm("account")
	termUser       = ast.StringTerm("user")
	termRole       = ast.StringTerm("role")
	termSession    = ast.StringTerm("session")
	termServices   = ast.StringTerm("services")
	termProvider   = ast.StringTerm("provider")
	termBoundary   = ast.StringTerm("boundary")
	termManagement = ast.StringTerm("management")
	termAWSManaged = ast.StringTerm("aws_managed")

	termRule       = ast.StringTerm("rule")
	termPossible   = ast.StringTerm("cross_account_possible")
	termPairs      = ast.StringTerm("encryption_context")
	termChild      = ast.StringTerm("child")
	termLayers     = ast.StringTerm("layers")
	termID         = ast.StringTerm("id")
	termVia        = ast.StringTerm("via")
	termGrantee    = ast.StringTerm("grantee")
	termRetiree    = ast.StringTerm("retiree")
	termIssuer     = ast.StringTerm("issuer")
	termOperations = ast.StringTerm("operations")
	termEquals     = ast.StringTerm("equals")
	termSubset     = ast.StringTerm("subset")

	termNull  = ast.NullTerm()
	termTrue  = ast.BooleanTerm(true)
	termFalse = ast.BooleanTerm(false)

	termSilent = ast.ObjectTerm() // a level in which nothing matched
)

var ruleTerms = map[Rule]*ast.Term{
	KeyPolicy:    ast.StringTerm(KeyPolicy.String()),
	IdentityOnly: ast.StringTerm(IdentityOnly.String()),
	GrantOnly:    ast.StringTerm(GrantOnly.String()),
	Trust:        ast.StringTerm(Trust.String()),
}

var typeTerms = func() map[PrincipalType]*ast.Term {
	terms := map[PrincipalType]*ast.Term{}
	for t := range required {
		terms[t] = ast.StringTerm(string(t))
	}
	return terms
}()

var viaTerms = func() map[Via]*ast.Term {
	terms := map[Via]*ast.Term{}
	for _, v := range vias {
		terms[v] = ast.StringTerm(string(v))
	}
	return terms
}()

func booleanTerm(v bool) *ast.Term {
	if v {
		return termTrue
	}
	return termFalse
}

func stringsTerm(values []string) *ast.Term {
	terms := make([]*ast.Term, len(values))
	for i, v := range values {
		terms[i] = ast.StringTerm(v)
	}
	return ast.ArrayTerm(terms...)
}

// pairsTerm is an object, or null for nil.
func pairsTerm(pairs map[string]string) *ast.Term {
	if pairs == nil {
		return termNull
	}
	return objectTerm(pairs)
}

func objectTerm(pairs map[string]string) *ast.Term {
	o := ast.NewObjectWithCapacity(len(pairs))
	for name, value := range pairs {
		o.Insert(ast.StringTerm(name), ast.StringTerm(value))
	}
	return ast.NewTerm(o)
}
