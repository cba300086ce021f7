package identity

import (
	"slices"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
)

// A ServiceCall is a call that an integrated service signed: as itself, maybe
// for a source, or on a principal's behalf.
type ServiceCall struct {
	Service *world.Service
	Region  string // of the call
	Source  Source // that the service calls for; zero if it names none
	// Forward is the token by which the service acts on a principal's
	// behalf; nil if it calls as itself.
	Forward *sts.Forward
}

// A Source is the resource for which a service calls.
type Source struct {
	ARN     string // empty: only the account is known
	Account string // owner
}

// Chain names the services that act on the principal's behalf, the first that
// was asked first, the one that calls last.
func (s *ServiceCall) Chain() []string {
	if s.Forward == nil {
		return nil
	}
	return append(slices.Clone(s.Forward.Via), s.Service.Principal)
}

// InvokedBy is what the records call the service: its regional name where it
// calls as itself (CT-052, CT-053).
func (s *ServiceCall) InvokedBy() string {
	if s.Forward == nil {
		return s.Service.Via(s.Region)
	}
	return s.Service.Principal
}

// service makes c a service that calls as itself.
func (c *Caller) service(principal string) bool {
	s, known := c.world.Service(principal)
	if !known {
		return false
	}
	c.Type, c.Service = decision.Service, &ServiceCall{Service: s}
	c.ID, c.Name, c.ARN = principal, principal, principal
	return true
}

// Calling is c, which is a service, calling in a Region for a source.
func (c Caller) Calling(region string, source Source) Caller {
	c.Service = &ServiceCall{Service: c.Service.Service, Region: region, Source: source}
	return c
}

// OnBehalf is the principal that a forward token names, with c, which is a
// service, calling for it. Who it is, and which policies it has, is as the
// world has it now: the token dies with the credentials that asked for it.
func (c Caller) OnBehalf(tokens *sts.Tokens, f sts.Forward, now time.Time) (Caller, *wire.Error) {
	credentials, failed := Find(c.world, tokens, f.AccessKeyID, f.SessionToken, now)
	if failed != nil {
		return Caller{}, errForward()
	}
	principal, failed := credentials.Caller()
	if failed != nil || principal.ID != f.PrincipalID || principal.Account == "" {
		return Caller{}, errForward()
	}
	principal.Service = &ServiceCall{Service: c.Service.Service, Region: f.Region, Forward: &f}
	return principal, nil
}

func errForward() *wire.Error {
	return wire.Errorf(wire.AccessDenied, "The principal of the forward token is gone, or its credentials are no longer valid.")
}

// keys are the condition keys of a call by a service.
func (s *ServiceCall) keys(keys map[string][]string, w *world.World) {
	keys["kms:grantisforawsresource"] = []string{"true"}
	if chain := s.Chain(); chain != nil {
		keys["aws:viaawsservice"] = []string{"true"}
		keys["aws:calledvia"] = chain
		keys["aws:calledviafirst"] = chain[:1]
		keys["aws:calledvialast"] = chain[len(chain)-1:]
		keys["kms:viaservice"] = []string{s.Service.Via(s.Region)}
		return
	}
	keys["aws:principalisawsservice"] = []string{"true"}
	keys["aws:principalservicename"] = []string{s.Service.Principal}
	keys["aws:principalservicenameslist"] = s.Service.Names(s.Region)
	s.Source.keys(keys, w)
}

func (s Source) keys(keys map[string][]string, w *world.World) {
	if s.ARN != "" {
		keys["aws:sourcearn"] = []string{s.ARN}
	}
	if s.Account == "" {
		return
	}
	keys["aws:sourceaccount"] = []string{s.Account}
	if o := w.Organization(); o.Unit(s.Account) != nil {
		keys["aws:sourceorgid"] = []string{o.ID}
		keys["aws:sourceorgpaths"] = []string{o.Path(s.Account)}
	}
}
