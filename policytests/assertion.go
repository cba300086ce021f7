package policytests

import (
	"context"

	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// assert decides a line about all requests of a kind. asked is how many it
// needed.
func (a *Asker) assert(ctx context.Context, j *job, root *Asker, dir string) (asked int, f *Failure, err error) {
	switch j.line.Kind {
	case caseline.Else:
		return a.otherwise(ctx, j, root, dir)
	default:
		return 0, nil, failf(caseline.Word{Pos: j.line.Pos}, "lines that begin with %s cannot be decided yet", j.line.Kind)
	}
}
