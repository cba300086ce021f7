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
	o.Insert(termType, typeTerms[p.Type])
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

// decideInput is the input of decide.rego: the question's facts with what
// matched, by layer. What is false, empty or not attached is absent. What only
// grants are held against, the ids of the caller and the encryption context, is
// there if there are grants, so that questions without any share an answer.
func decideInput(q *Question, a *attachments) *ast.Term {
	o := ast.NewObject(
		ast.Item(termRule, ruleTerms[q.Rule]),
		ast.Item(termAction, ast.StringTerm(q.Action)),
		ast.Item(termPrincipal, decidePrincipal(q)),
		ast.Item(termResource, resourceTerm(&q.Resource)),
		ast.Item(termLayers, layersTerm(a)),
	)
	if q.CrossAccountPossible {
		o.Insert(termPossible, termTrue)
	}
	if len(q.Grants) > 0 {
		o.Insert(termGrants, grantsTerm(q.Grants))
		o.Insert(termPairs, objectTerm(q.EncryptionContext))
	}
	if q.Child != nil {
		o.Insert(termChild, childTerm(q.Child))
	}
	return ast.NewTerm(o)
}

func decidePrincipal(q *Question) *ast.Term {
	p := &q.Principal
	var o ast.Object
	if len(q.Grants) > 0 {
		o = principalTerm(p)
	} else {
		o = ast.NewObject(ast.Item(termType, typeTerms[p.Type]))
		if p.Account != "" {
			o.Insert(termAccount, ast.StringTerm(p.Account))
		}
	}
	if p.Management {
		o.Insert(termManagement, termTrue)
	}
	return ast.NewTerm(o)
}

func resourceTerm(r *Resource) *ast.Term {
	o := ast.NewObject(ast.Item(termAccount, ast.StringTerm(r.Account)))
	if r.Management {
		o.Insert(termManagement, termTrue)
	}
	if r.AWSManaged {
		o.Insert(termAWSManaged, termTrue)
	}
	return ast.NewTerm(o)
}

func grantsTerm(grants []Grant) *ast.Term {
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
	if a.refusal.refuses() {
		o.Insert(termGuardrail, a.refusal.term())
	}
	return ast.NewTerm(o)
}
