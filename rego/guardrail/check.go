package guardrail

import (
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/keyreeve/keyreeve/rego/lib/schema"
)

var (
	root    = ast.MustParseRef("data." + Package)
	denyRef = ast.MustParseRef("data." + Package + ".deny")
)

// checkForm refuses what in a bundle is no Rego.
func checkForm(b bundle.Bundle) Faults {
	if len(b.WasmModules)+len(b.PlanModules) > 0 {
		return Faults{{Message: "guardrails are Rego; this bundle has compiled modules"}}
	}
	return nil
}

// checkModules refuses what a guardrail must not name: other packages, and
// whatever depends on network, clock or chance.
func checkModules(modules map[string]*ast.Module) Faults {
	var faults Faults
	for _, m := range modules {
		if !m.Package.Path.HasPrefix(root) {
			faults = append(faults, fault(m.Package.Location, "the package is %s; guardrails are in %s or below",
				strings.TrimPrefix(m.Package.Path.String(), "data."), Package))
		}
		for _, i := range m.Imports {
			if ref, ok := i.Path.Value.(ast.Ref); ok && ref.HasPrefix(ast.DefaultRootRef) && !ref.HasPrefix(root) {
				faults = append(faults, fault(i.Location, "%s is outside of %s", ref, Package))
			}
		}
		ast.WalkTerms(m, func(t *ast.Term) bool {
			if ref, ok := t.Value.(ast.Ref); ok {
				if name := ref.String(); refused()[name] {
					faults = append(faults, fault(t.Location, "%s depends on network, clock or chance, so equal requests would have different answers", name))
				}
			}
			return false
		})
	}
	return faults
}

// refused are the built-ins that a guardrail must not name. Verifying a token
// reads the clock, too.
var refused = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{"io.jwt.decode_verify": true}
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		if b.IsNondeterministic() {
			all[b.Name] = true
		}
	}
	return all
})

// capabilities are those of OPA without the built-ins that are refused.
func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return refused()[b.Name] })
	c.AllowNet = []string{}
	return c
}

// compile compiles strictly, and holds references to input against the schema
// of documents: a guardrail with a misspelt one would never refuse.
func compile(modules map[string]*ast.Module) (*ast.Compiler, error) {
	document, err := schema.Parsed(schema.Document)
	if err != nil {
		return nil, err
	}
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.SchemaRootRef, document)
	c := ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities()).WithSchemas(schemas)
	if c.Compile(modules); c.Failed() {
		return nil, faultsOf(c.Errors)
	}
	return c, nil
}

// checkDeny sees to it that there is something that refuses, that it is a set,
// and that no other rule looks as if it refused.
func checkDeny(c *ast.Compiler) Faults {
	var faults Faults
	found := false
	for _, m := range c.Modules {
		for _, r := range m.Rules {
			ref := r.Ref().GroundPrefix()
			if ref[len(ref)-1].Value.Compare(ast.String("deny")) != 0 {
				continue
			}
			switch {
			case !ref.Equal(denyRef):
				faults = append(faults, fault(r.Location, "%s does not refuse; %s does", ref, denyRef))
			case r.Head.RuleKind() != ast.MultiValue || r.Default:
				faults = append(faults, fault(r.Location, "deny is a set of reasons: deny contains reason if …"))
			default:
				found = true
			}
		}
	}
	if !found && len(faults) == 0 {
		faults = append(faults, Fault{Message: "no guardrail says: deny contains reason if …"})
	}
	return faults
}

// checkData refuses data that no guardrail could read.
func checkData(data map[string]any) Faults {
	at := "data"
	for _, part := range strings.Split(Package, ".") {
		for name := range data {
			if name != part {
				return Faults{{Message: at + "." + name + " is outside of data." + Package}}
			}
		}
		next, ok := data[part]
		if !ok {
			return nil
		}
		at += "." + part
		if data, ok = next.(map[string]any); !ok {
			return Faults{{Message: at + " is no object"}}
		}
	}
	return nil
}
