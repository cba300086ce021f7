package decision

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// documentInput is the input of compiled documents. Facts that the question
// lacks are absent, and so are condition keys that none of the programs reads.
func documentInput(q *Question, slots []slot) *ast.Term {
	context := ast.NewObject()
	for i := range slots {
		for _, k := range slots[i].program.context {
			if values, ok := q.Context[k.name]; ok && context.Get(k.term) == nil {
				context.Insert(k.term, stringsTerm(values))
			}
		}
	}
	return inputTerm(q, context)
}

// wholeInput is documentInput with every condition key.
func wholeInput(q *Question) *ast.Term {
	context := ast.NewObjectWithCapacity(len(q.Context))
	for name, values := range q.Context {
		context.Insert(ast.StringTerm(name), stringsTerm(values))
	}
	return inputTerm(q, context)
}

func inputTerm(q *Question, context ast.Object) *ast.Term {
	principal := principalTerm(&q.Principal)
	principal.Insert(termBoundary, booleanTerm(q.Boundary != nil))
	return ast.ObjectTerm(
		ast.Item(termAction, ast.StringTerm(q.Action)),
		ast.Item(termResource, ast.StringTerm(q.Resource.ARN)),
		ast.Item(termContext, ast.NewTerm(context)),
		ast.Item(termPrincipal, ast.NewTerm(principal)),
	)
}

func principalTerm(p *Principal) ast.Object {
	o := ast.NewObjectWithCapacity(8)
	o.Insert(termType, ast.StringTerm(string(p.Type)))
	for _, f := range []struct {
		name  *ast.Term
		value string
	}{
		{termAccount, p.Account},
		{termUser, p.User},
		{termRole, p.Role},
		{termSession, p.Session},
		{termProvider, p.Provider},
	} {
		if f.value != "" {
			o.Insert(f.name, ast.StringTerm(f.value))
		}
	}
	if len(p.Services) > 0 {
		o.Insert(termServices, stringsTerm(p.Services))
	}
	return o
}

// decideInput is the input of decide.rego: the question's facts with the
// verdicts by layer. What only grants are held against, the ids of the caller
// and the encryption context, is there if there are grants, so that questions
// without any share an answer.
func decideInput(q *Question, a *attachments) *ast.Term {
	principal := ast.NewObjectWithCapacity(3)
	encryptionContext := termNull
	if len(q.Grants) > 0 {
		principal = principalTerm(&q.Principal)
		encryptionContext = objectTerm(q.EncryptionContext)
	} else {
		principal.Insert(termType, ast.StringTerm(string(q.Principal.Type)))
		if q.Principal.Account != "" {
			principal.Insert(termAccount, ast.StringTerm(q.Principal.Account))
		}
	}
	principal.Insert(termManagement, booleanTerm(q.Principal.Management))
	return ast.ObjectTerm(
		ast.Item(termRule, ast.StringTerm(q.Rule.String())),
		ast.Item(termAction, ast.StringTerm(q.Action)),
		ast.Item(termPossible, booleanTerm(q.CrossAccountPossible)),
		ast.Item(termPrincipal, ast.NewTerm(principal)),
		ast.Item(termResource, resourceTerm(&q.Resource)),
		ast.Item(termPairs, encryptionContext),
		ast.Item(termChild, childTerm(q.Child)),
		ast.Item(termGrants, grantsTerm(q.Grants)),
		ast.Item(termLayers, layersTerm(a)),
	)
}

func resourceTerm(r *Resource) *ast.Term {
	return ast.ObjectTerm(
		ast.Item(termAccount, ast.StringTerm(r.Account)),
		ast.Item(termManagement, booleanTerm(r.Management)),
		ast.Item(termAWSManaged, booleanTerm(r.AWSManaged)),
	)
}

func grantsTerm(grants []Grant) *ast.Term {
	if len(grants) == 0 {
		return termEmpty
	}
	terms := make([]*ast.Term, len(grants))
	for i := range grants {
		g := &grants[i]
		terms[i] = ast.ObjectTerm(
			ast.Item(termID, ast.StringTerm(g.ID)),
			ast.Item(termGrantee, partyTerm(g.Grantee)),
			ast.Item(termRetiree, partyTerm(g.Retiree)),
			ast.Item(termIssuer, ast.StringTerm(g.IssuingAccount)),
			ast.Item(termOperations, operationsTerm(g.Operations)),
			ast.Item(termEquals, pairsTerm(g.Equals)),
			ast.Item(termSubset, pairsTerm(g.Subset)),
		)
	}
	return ast.ArrayTerm(terms...)
}

func partyTerm(p Party) *ast.Term {
	if p == (Party{}) {
		return termNull
	}
	return ast.ObjectTerm(
		ast.Item(termVia, ast.StringTerm(string(p.Via))),
		ast.Item(termID, ast.StringTerm(p.ID)),
	)
}

// operationsTerm names operations as actions.
func operationsTerm(operations []string) *ast.Term {
	terms := make([]*ast.Term, len(operations))
	for i, o := range operations {
		terms[i] = ast.StringTerm("kms:" + o)
	}
	return ast.ArrayTerm(terms...)
}

func childTerm(c *Child) *ast.Term {
	if c == nil {
		return termNull
	}
	return ast.ObjectTerm(
		ast.Item(termOperations, operationsTerm(c.Operations)),
		ast.Item(termEquals, pairsTerm(c.Equals)),
		ast.Item(termSubset, pairsTerm(c.Subset)),
	)
}

// layersTerm holds levels of matches for each layer that is attached.
func layersTerm(a *attachments) *ast.Term {
	o := ast.NewObjectWithCapacity(len(layers))
	for i := range layers {
		if a.levels[i] != notAttached {
			o.Insert(layerTerms[i], a.term(i))
		}
	}
	return ast.NewTerm(o)
}
