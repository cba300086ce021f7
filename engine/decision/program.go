package decision

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/sync/singleflight"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A program is a compiled document. It is immutable and safe for concurrent
// use.
type program struct {
	id        uint64 // never used again within the process
	query     *query
	footprint []field
	context   []contextKey
	matching  []compile.Matching
	clock     bool  // its verdict changes with time
	bytes     int64 // that it occupies, estimated
}

// A contextKey is a condition key that a program reads, with its name as it
// stands in inputs.
type contextKey struct {
	name string
	term *ast.Term
}

// programs compiles documents and keeps them. A thousand keys with one policy
// share one program.
type programs struct {
	named    *cache[*policy.Document, []policy.Principal]
	digests  *cache[resolved, string]
	compiled *cache[string, *program]
	flight   singleflight.Group
	made     atomic.Uint64
}

func newPrograms(bound int64) *programs {
	return &programs{
		named:    newCache[*policy.Document, []policy.Principal](bound / 6),
		digests:  newCache[resolved, string](bound / 6),
		compiled: newCache[string, *program](bound),
	}
}

// resolved is a document with the unique ids of its principals.
type resolved struct {
	document *policy.Document
	ids      string
}

// of returns the program for p. Nothing is compiled for a caller who has gone,
// or after the decision's time; what has begun ends, in 0.1 s for any document.
func (ps *programs) of(ctx context.Context, p *Policy) (*program, error) {
	digest := ps.digest(p)
	if prog, ok := ps.compiled.get(digest); ok {
		return prog, nil
	}
	if stop := newStop(ctx); stop.Cancelled() {
		return nil, fmt.Errorf("compiling %s: %w", describe(p), stop.err)
	}
	made, err, _ := ps.flight.Do(digest, func() (any, error) {
		prog, err := ps.compile(p)
		if err != nil {
			return nil, err
		}
		ps.compiled.put(digest, prog, prog.bytes)
		return prog, nil
	})
	if err != nil {
		return nil, err
	}
	return made.(*program), nil
}

// digest identifies the program of p: by kind, version and text of the
// document with each principal resolved to its unique id.
func (ps *programs) digest(p *Policy) string {
	named, ok := ps.named.get(p.Document)
	if !ok {
		named = namedIn(p.Document)
		ps.named.put(p.Document, named, int64(4*len(p.Document.Text)+512))
	}
	key := resolved{document: p.Document, ids: resolve(named, p.Principals)}
	digest, ok := ps.digests.get(key)
	if !ok {
		digest = digestOf(p, named)
		ps.digests.put(key, digest, int64(4*len(p.Document.Text)+len(key.ids)+512))
	}
	return digest
}

// resolve writes the unique ids of principals, each with its length.
func resolve(named []policy.Principal, ids map[string]string) string {
	if len(named) == 0 {
		return ""
	}
	var b []byte
	for _, n := range named {
		b = appendString(b, ids[n.Text])
	}
	return string(b)
}

// digestOf tells the forms of principals apart, lest the same id of a user and
// of a role make one program.
func digestOf(p *Policy, named []policy.Principal) string {
	ids := make(map[string]string, len(named))
	for _, n := range named {
		ids[n.Text] = n.Type.String() + " " + p.Principals[n.Text]
	}
	return p.Document.DigestOf(func(arn string) string {
		if id, ok := ids[arn]; ok {
			return id
		}
		return arn
	})
}

// namedIn lists the principals in d that a recreated one must not inherit from.
func namedIn(d *policy.Document) []policy.Principal {
	var all []policy.Principal
	for _, p := range d.Principals() {
		switch p.Type {
		case policy.User, policy.Role, policy.RoleSession, policy.FederatedUser:
			all = append(all, p)
		default: // accounts, services and providers are what they are called
		}
	}
	return all
}

const programPackage = "keyreeve.document"

var verdictRef = ast.MustParseRef("data." + programPackage + ".verdict")

func (ps *programs) compile(p *Policy) (*program, error) {
	m, err := compile.Compile(p.Document, compile.Options{
		Package: programPackage,
		ID:      func(arn string) string { return p.Principals[arn] },
	})
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", describe(p), err)
	}
	q, err := prepare(map[string]*ast.Module{"document.rego": m.AST}, verdictRef)
	if err != nil {
		return nil, fmt.Errorf("preparing %s: %w", describe(p), err)
	}
	q.forget()
	prog := &program{id: ps.made.Add(1), query: q, matching: m.Matching, clock: m.Clock, bytes: weight(m.AST, p.Document.Text)}
	if prog.footprint, prog.context, err = readFootprint(m.Footprint); err != nil {
		return nil, fmt.Errorf("preparing %s: %w", describe(p), err)
	}
	return prog, nil
}

// describe names a policy in an error without a word of its text.
func describe(p *Policy) string {
	name := p.ARN
	if name == "" {
		name = p.Name
	}
	return strings.TrimSpace("policy of kind " + p.Document.Kind.String() + " " + name)
}

// evaluate has the program say which statements of p match.
func (pr *program) evaluate(ctx context.Context, d data, p *Policy, input *ast.Term) (*verdict, error) {
	found, err := pr.query.run(ctx, d, input)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", describe(p), err)
	}
	v, err := readVerdict(found, p.Document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", describe(p), err)
	}
	return v, nil
}
