// Package engine serves the API: Serve runs the steps of a request, in one
// order, for every operation.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/grant"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/metrics"
	"github.com/keyreeve/keyreeve/engine/sigv4"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/throttle"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/store"
)

// Config is what an Engine works with. All fields but DecisionLog and Log are
// required.
type Config struct {
	Store     *store.Store
	World     func() *world.World // the world of now; each request pins one
	Decisions *decision.Engine
	Materials material.Provider
	Root      *seal.RootKey
	Clock     func() time.Time
	Rand      io.Reader

	// DecisionLog receives the full evidence of each decision, for the
	// operator only; nil discards it.
	// It is given whole lines of JSON, many at a time.
	DecisionLog io.Writer
	// DecisionLabels stand in each line of the decision log.
	DecisionLabels map[string]string
	// DecisionLogPlain leaves the values of encryption contexts in the
	// decision log; else they are masked.
	DecisionLogPlain bool
	Log              *slog.Logger // faults of the service; nil discards them

	// EncodedMessages puts the encoded authorization message of a refusal into
	// the error text, too. Worlds can ask for it as well.
	EncodedMessages bool

	// ConsistencyDelay is how long changes of grants, tags and aliases take to
	// count for authorization; zero: as the world says.
	ConsistencyDelay time.Duration

	// ForeignFloor is how long a call that fails on what belongs to another
	// account takes at least; zero: no longer than it does.
	ForeignFloor time.Duration

	// Settling is how long keys that were replicated are Creating, and primary
	// keys that were moved Updating; zero: until they are looked at.
	Settling time.Duration

	Quotas Quotas
	// RequestQuotas throttles; nil does not.
	RequestQuotas *throttle.Limiter

	Metrics *metrics.Metrics // nil counts nothing
}

func (c Config) validate() error {
	switch {
	case c.Store == nil, c.World == nil, c.Decisions == nil, c.Materials == nil, c.Root == nil, c.Clock == nil, c.Rand == nil:
		return errors.New("engine.Config needs Store, World, Decisions, Materials, Root, Clock and Rand")
	}
	return nil
}

// An Engine serves requests. Safe for concurrent use.
type Engine struct {
	cfg        Config
	operations map[string]row // by service and name: "kms:Encrypt"
	states     *lifecycle.Table
	signatures *sigv4.Cache
	sessions   *sts.Tokens
	callers    identity.Callers
	tokens     grant.Tokens
	documents  documents
	changes    changes
	uses       uses

	decisionLog *decisionLog
}

// New makes an Engine.
func New(cfg Config) (*Engine, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.Quotas = cfg.Quotas.complete()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	states, err := lifecycle.NewTable()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, states: states, operations: map[string]row{},
		signatures: sigv4.NewCache(signingKeys), sessions: sts.NewTokens(cfg.Root, cfg.Rand),
		tokens: grant.Tokens{Root: cfg.Root}, decisionLog: newDecisionLog(cfg),
	}
	for _, rows := range [][]row{
		keyOperations(), cryptoOperations(), asymmetricOperations(), rotationOperations(), importOperations(), multiRegionOperations(), usageOperations(), keyStoreOperations(), policyOperations(), aliasOperations(), grantOperations(), tagOperations(), stsOperations(),
	} {
		for _, r := range rows {
			e.operations[r.id()] = r
		}
	}
	return e, nil
}

// signingKeys is how many derived signing keys are kept.
const signingKeys = 4096

// Offers tells whether an operation of AWS KMS is built.
func (e *Engine) Offers(operation string) bool {
	_, built := e.operations["kms:"+operation]
	return built
}

// A call is one request on its way through the steps.
type call struct {
	request   wire.Request
	now       time.Time
	protocol  protocol
	row       row
	world     *world.World
	signature sigv4.Signature
	region    string
	caller    identity.Caller
	endpoint  *world.Endpoint // that the request came through; nil: none
	managed   *newManaged     // for an AWS managed key that the call may make; nil at first
	input     any
	eventID   string
	foreign   bool           // a check is about what belongs to another account
	encoded   string         // authorization message of a refusal
	memo      map[string]any // what must stay the same when a transaction runs again; nil at first
}

// Serve answers one request. The order of the steps is that in which a caller
// may learn of a fault.
func (e *Engine) Serve(ctx context.Context, r wire.Request) wire.Response {
	c := &call{request: r, now: e.cfg.Clock(), world: e.cfg.World()}
	c.protocol = protocolOf(r)
	began := time.Now()
	out, err := e.serve(ctx, c)
	e.measured(c, err, time.Since(began))
	if err != nil {
		if c.foreign {
			wait(ctx, e.floor(r)-time.Since(began))
		}
		return e.fail(c, err)
	}
	response, err := c.protocol.answer(c.row.name, out, r.ID)
	if err != nil {
		return e.fail(c, err)
	}
	return response
}

// floor is how long a refusal of another account's key takes at least. What a
// policy's patterns cost grows with the values that the caller sent, so long
// requests wait longer; after ten times the floor nothing is left to be done.
func (e *Engine) floor(r wire.Request) time.Duration {
	const page = 4096
	return e.cfg.ForeignFloor * time.Duration(min(1+len(r.Body)/page, 10))
}

// wait has a refusal of another account's key take as long as that of a key
// that does not exist, for which there is no record to read, no policy to
// compile and no grant to look for: else the time would tell.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// fail is the answer to a call that failed. A refusal carries its encoded
// authorization message in a header, and where the operator or the world asks
// for it in the text too, since stock clients show nothing else.
func (e *Engine) fail(c *call, err error) wire.Response {
	answer := e.public(c, err)
	if answer.Code != wire.AccessDenied || c.encoded == "" {
		return c.protocol.fail(answer, c.request.ID)
	}
	if e.cfg.EncodedMessages || c.world.Settings().EncodedMessages {
		told := *answer
		told.Message = strings.TrimSuffix(told.Message, ".") + ". Encoded authorization failure message: " + c.encoded
		answer = &told
	}
	response := c.protocol.fail(answer, c.request.ID)
	response.Header[MessageHeader] = []string{c.encoded}
	return response
}

// public is what the client learns of an error. A fault of ours is logged
// here, once, and its cause stays here.
func (e *Engine) public(c *call, err error) *wire.Error {
	answer := wire.AsError(err)
	if answer.Status() >= http.StatusInternalServerError {
		e.cfg.Log.Error("request failed", "requestId", c.request.ID, "operation", c.row.name, "err", answer.Cause)
	}
	return answer
}

func (e *Engine) serve(ctx context.Context, c *call) (any, error) {
	name, err := c.protocol.operation(c.request)
	if err != nil {
		return nil, err
	}
	if err := e.authenticate(c); err != nil {
		return nil, err
	}
	c.row = row{name: name}
	id, err := uuid.NewRandomFromReader(e.cfg.Rand)
	if err != nil {
		return nil, err
	}
	c.eventID = id.String()
	return e.recorded(ctx, c)
}

// authenticate verifies the signature and finds out who made it.
func (e *Engine) authenticate(c *call) error {
	sig, failed := sigv4.Parse(c.request)
	if failed != nil {
		return failed
	}
	want := sigv4.Scope{Service: c.protocol.service, Regions: c.world.Regions()}
	if failed := sig.Check(want, c.now); failed != nil {
		return failed
	}
	credential, failed := identity.Find(c.world, e.sessions, sig.AccessKeyID, sig.SessionToken, c.now)
	if failed != nil {
		return failed
	}
	if failed := e.signatures.Verify(sig, c.request, credential.Secret, c.now); failed != nil {
		return failed
	}
	c.signature, c.region = sig, sig.Region
	caller, failed := e.callers.Of(credential)
	if failed != nil {
		return failed
	}
	// Guide, "Allowing users in other accounts to use a KMS key": permissions
	// count only where the account has the Region. A service has no account.
	if caller.Account != "" && !c.world.Offers(caller.Account, sig.Region) {
		return wire.Errorf(wire.UnrecognizedClient, "The security token included in the request is invalid.")
	}
	c.caller = caller
	return nil
}

// recorded carries the call out and leaves its records, also of a refusal.
// The records of a change stand in the change's own transaction; all others
// are appended before the answer leaves. Without its record no answer leaves.
func (e *Engine) recorded(ctx context.Context, c *call) (any, error) {
	s, out, err := e.perform(ctx, c)
	if err == nil && s != nil && s.recorded {
		return out, nil
	}
	e.logUndecided(c, s, err)
	events, eventErr := e.events(c, s, out, err)
	if eventErr != nil {
		return nil, fmt.Errorf("making the audit event: %w", eventErr)
	}
	if appendErr := e.cfg.Store.Append(events...); appendErr != nil {
		return nil, fmt.Errorf("writing the audit event: %w", errors.Join(appendErr, err))
	}
	return out, err
}

// perform decodes the input and runs the operation in its transaction.
func (e *Engine) perform(ctx context.Context, c *call) (*Scope, any, error) {
	if err := e.delegated(c); err != nil {
		return nil, nil, err
	}
	input, err := c.protocol.decode(c.row.name, c.request)
	if err == nil {
		c.input = input
	}
	built, known := e.operations[c.protocol.service+":"+c.row.name]
	switch {
	case !known:
		return nil, nil, wire.Errorf(wire.UnsupportedOperation, "keyreeve does not offer %s yet.", c.row.name)
	case err != nil:
		return nil, nil, err
	}
	c.row = built
	if c.endpoint, err = locate(c.world, c.request, c.region); err != nil {
		return nil, nil, err
	}
	var scope *Scope
	var out any
	work := func(tx *store.Tx) error {
		scope = e.newScope(c, tx)
		out, err = scope.work(ctx)
		return err
	}
	if c.row.effect == Writes {
		err = e.cfg.Store.Update(work) // a dry run ends in an error, and so leaves nothing
	} else {
		err = e.cfg.Store.View(work)
	}
	if errors.Is(err, errFirstUse) {
		if c.managed, err = e.newManaged(ctx, c); err == nil {
			err = e.cfg.Store.Update(work)
		}
	}
	if scope != nil {
		e.logDecisions(c, scope)
	}
	if err != nil {
		return scope, nil, err
	}
	e.forget(scope.forgotten)
	return scope, out, e.noteUse(scope)
}

// understood are the checks that a call needs.
func (s *Scope) understood() ([]Check, error) {
	if err := s.readTokens(); err != nil {
		return nil, err
	}
	if err := s.mandated(); err != nil {
		return nil, err
	}
	return s.row.checks(s, s.input)
}

// work asks the checks, runs the operation if all were answered "yes", and
// ends a dry run.
func (s *Scope) work(ctx context.Context) (any, error) {
	checks, err := s.understood()
	s.checks = checks
	if err := s.throttled(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	s.foreign = slices.ContainsFunc(checks, func(c Check) bool { return c.Resource.Account != s.account() })
	if err := s.mandatedChecks(); err != nil {
		return nil, err
	}
	for i := range s.checks {
		refused := s.authorize(ctx, &s.checks[i])
		if refused == nil {
			continue
		}
		if s.unrecorded, err = s.endpointAlone(ctx, i, refused); err != nil {
			return nil, err
		}
		return nil, refused
	}
	for i := range s.checks {
		if err := s.permit(s.checks[i]); err != nil {
			return nil, err
		}
	}
	out, err := s.row.run(ctx, s, s.input)
	if err != nil {
		return nil, err
	}
	if s.dryRun {
		return nil, wire.Errorf(wire.DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
	}
	if s.row.effect == Writes {
		return out, s.record(out)
	}
	return out, nil
}
