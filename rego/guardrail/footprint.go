package guardrail

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// reads is what compiled modules read of their input.
type reads struct {
	found  map[string]bool
	faults Faults
}

// members are those of input. What reads all of input reads each of them.
var members = []string{"action", "context", "principal", "resource"}

// clockKeys are the condition keys whose values grow by themselves.
var clockKeys = []string{"context", "context.aws:currenttime", "context.aws:epochtime", "context.aws:multifactorauthage"}

// footprint finds every reference to input. One that is not constant reads all
// that it may reach. What lies outside of the package is a fault.
func footprint(c *ast.Compiler) *reads {
	r := &reads{found: map[string]bool{}}
	for _, m := range c.Modules {
		for _, rule := range m.Rules {
			r.visit(rule)
		}
	}
	return r
}

func (r *reads) visit(x any) {
	var walk *ast.GenericVisitor
	walk = ast.NewGenericVisitor(func(x any) bool {
		t, ok := x.(*ast.Term)
		if !ok {
			return false
		}
		switch v := t.Value.(type) {
		case ast.Var:
			r.variable(v)
		case ast.Ref:
			r.reference(v, t.Location)
			for _, part := range v[1:] {
				walk.Walk(part)
			}
			return true
		}
		return false
	})
	walk.Walk(x)
}

// variable is input where it is given away as a whole.
func (r *reads) variable(v ast.Var) {
	if v.Equal(ast.InputRootDocument.Value) {
		r.all()
	}
}

func (r *reads) reference(ref ast.Ref, at *ast.Location) {
	switch {
	case ref.HasPrefix(ast.DefaultRootRef):
		if !ref.HasPrefix(root) {
			r.faults = append(r.faults, fault(at, "%s is outside of %s", ref, Package))
		}
	case ref.HasPrefix(ast.InputRootRef):
		r.input(ref, at)
	}
}

// input is a reference below input.
func (r *reads) input(ref ast.Ref, at *ast.Location) {
	if len(ref) == 1 || !constant(ref[1]) {
		r.all()
		return
	}
	member := name(ref[1])
	if (member != "context" && member != "principal") || len(ref) == 2 || !constant(ref[2]) {
		r.found[member] = true
		return
	}
	part := name(ref[2])
	if member == "context" && part != strings.ToLower(part) {
		r.faults = append(r.faults, fault(at, "condition keys in input.context are in lower case: %q", strings.ToLower(part)))
	}
	r.found[member+"."+part] = true
}

func (r *reads) all() {
	for _, m := range members {
		r.found[m] = true
	}
}

func constant(t *ast.Term) bool {
	_, ok := t.Value.(ast.String)
	return ok
}

func name(t *ast.Term) string { return string(t.Value.(ast.String)) }

// paths lists what is read. What stands within something that is read whole is
// left out.
func (r *reads) paths() []string {
	paths := slices.Sorted(maps.Keys(r.found))
	return slices.DeleteFunc(paths, func(p string) bool {
		member, _, inside := strings.Cut(p, ".")
		return inside && r.found[member]
	})
}

func (r *reads) clock() bool {
	return slices.ContainsFunc(clockKeys, func(key string) bool { return r.found[key] })
}
