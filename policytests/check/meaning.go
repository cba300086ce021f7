package check

import (
	"context"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// byMeaning asks what a policy decides.
func byMeaning(_ context.Context, _ *extract.Policy, _ *policy.Document, _ lint.Options, _ *world.World) ([]lint.Finding, error) {
	return nil, nil
}
