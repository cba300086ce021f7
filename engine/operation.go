package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/store"
)

// An Operation describes one API action. Checks finds the resources and says
// what must be allowed; Run acts, and is reached only if all of it was.
//
// Both run inside one transaction and may be run again when a record that
// they read has changed, so neither may have an effect outside of it but
// through Scope.Once.
type Operation[In, Out any] struct {
	Name    string
	Service string // "kms" when empty
	Effect  Effect
	Checks  func(*Scope, *In) ([]Check, error)
	Run     func(context.Context, *Scope, *In) (*Out, error)
}

// An Effect says what an operation does to the store. The zero value is
// invalid.
type Effect int

// Reads works on a snapshot, Writes in a transaction that is durable before
// the answer leaves.
const (
	Reads Effect = iota + 1
	Writes
)

// A Check is one question that must be answered "yes".
type Check struct {
	Action   string // ReEncrypt asks ReEncryptFrom and ReEncryptTo
	Resource Resource
	Request  condition.Side // what belongs to this side: alias as sent, encryption context, algorithm
	Region   string         // where it is asked; empty: in that of the call
	Rule     decision.Rule
	State    string           // row of the key state table; empty: the operation's own
	Grants   []store.Grant    // under GrantOnly: the grant that is to be retired
	Policy   *decision.Policy // under Trust: the role's trust policy; nil if there is no such role
	Child    *decision.Child  // the grant that a CreateGrant asks for
	Hidden   bool             // the key was named by a ciphertext only: a refusal across accounts says nothing of it
}

// A Resource is what a check is about: a key, an alias, or nothing ("*").
type Resource struct {
	ARN     string         // as it stands in policies; "*" for operations on no resource
	Account string         // owner; the caller's own for "*"
	Key     *store.Key     // nil for aliases, "*", and keys of other accounts that do not exist
	Facts   *condition.Key // overrides the facts of Key: a CreateKey request asks for them

	// Sent is the ARN of another account's alias by which the request named
	// the key: all that a refusal may tell.
	Sent string
}

// A Scope is what an operation may touch: one transaction, one world, one
// caller, one Region, one instant.
type Scope struct {
	Tx     *store.Tx
	World  *world.World // pinned for the whole request
	Caller identity.Caller
	Region string
	Now    time.Time

	*call
	engine     *Engine
	checks     []Check
	decisions  []decided
	tokens     map[string]bool // ids of the grants that the request's grant tokens name; nil: none
	dryRun     bool
	unrecorded bool // nothing but the endpoint's policy refused the call (CT-007)
	recorded   bool // the events of the call stand in the transaction

	lastKey store.KeyAddr // see addrARN
	lastARN string

	expired   []store.KeyAddr  // keys whose material is over, which the store does not know yet
	forgotten []store.Material // what the provider need not keep in memory once the change is made
}

// key is the key of a check, which the decision has allowed to be used.
func (s *Scope) key(i int) *store.Key { return s.checks[i].Resource.Key }

// change writes a changed copy of the key of a check.
func (s *Scope) change(i int, mutate func(*store.Key)) error {
	changed := *s.key(i)
	if err := s.recordExpired(changed.Addr); err != nil {
		return err
	}
	mutate(&changed)
	id, err := s.newID("synchronization event")
	if err != nil {
		return err
	}
	return s.engine.keep(s.Tx, changed, id)
}

// recordExpired records, before a key is written, that its material is over, if
// the store does not know that yet.
func (s *Scope) recordExpired(addr store.KeyAddr) error {
	if !slices.Contains(s.expired, addr) {
		return nil
	}
	id, err := s.newID("expiry event of " + addr.String())
	if err != nil {
		return err
	}
	return s.engine.recordExpiry(s.Tx, addr, id)
}

// Once returns what make returned the first time it was asked for name in
// this call, however often the transaction runs.
func Once[T any](s *Scope, name string, produce func() (T, error)) (T, error) {
	if v, made := s.memo[name]; made {
		return v.(T), nil
	}
	v, err := produce()
	if err != nil {
		return v, err
	}
	if s.memo == nil {
		s.memo = map[string]any{}
	}
	s.memo[name] = v
	return v, nil
}

// newID returns a random UUID that stays the same when the transaction runs
// again.
func (s *Scope) newID(name string) (string, error) {
	return Once(s, name, func() (string, error) {
		id, err := uuid.NewRandomFromReader(rand.Reader)
		return id.String(), err
	})
}

// A row is an Operation with its types erased.
type row struct {
	name    string
	service string
	effect  Effect
	checks  func(*Scope, any) ([]Check, error)
	run     func(context.Context, *Scope, any) (any, error)

	// Where the input has these members; nil: it has none.
	dryRun, grantTokens []int
}

// id names a row among those of all services.
func (r row) id() string { return r.service + ":" + r.name }

// define erases the types of an operation; nothing else does.
func define[In, Out any](op Operation[In, Out]) row {
	return row{
		name:    op.Name,
		service: cmp.Or(op.Service, "kms"),
		effect:  op.Effect,

		dryRun: inputField[In]("DryRun"), grantTokens: inputField[In]("GrantTokens"),

		checks: func(s *Scope, in any) ([]Check, error) {
			typed, ok := in.(*In)
			if !ok {
				return nil, fmt.Errorf("%s takes %T, got %T", op.Name, typed, in)
			}
			return op.Checks(s, typed)
		},
		run: func(ctx context.Context, s *Scope, in any) (any, error) {
			out, err := op.Run(ctx, s, in.(*In))
			switch {
			case err != nil:
				return nil, err
			case out == nil: // nothing to tell
				return new(Out), nil
			}
			return out, nil
		},
	}
}

// inputField finds a member of an input.
func inputField[In any](name string) []int {
	f, _ := reflect.TypeFor[In]().FieldByName(name)
	return f.Index
}
