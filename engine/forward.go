package engine

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// The headers by which an integrated service says for whom it calls.
// Only services may send them, and the signature must cover them. The keys are
// in canonical form.
const (
	SourceARNHeader     = "X-Amz-Source-Arn"
	SourceAccountHeader = "X-Amz-Source-Account"
	ForwardTokenHeader  = "X-Keyreeve-Forward-Token"
)

// delegated finds out for whom an integrated service calls, and makes sure
// that nobody else says to call for another.
func (e *Engine) delegated(c *call) error {
	said, err := saidByService(c.request.Header, c.signature.SignedHeaders)
	if err != nil {
		return err
	}
	if c.caller.Service == nil {
		if len(said) > 0 {
			return wire.Errorf(wire.AccessDenied, "The headers %s, %s and %s are for integrated services.", SourceARNHeader, SourceAccountHeader, ForwardTokenHeader)
		}
		return nil
	}
	token, forwarded := said[ForwardTokenHeader]
	if !forwarded {
		source, err := sourceOf(said)
		c.caller = c.caller.Calling(c.region, source)
		return err
	}
	if len(said) > 1 {
		return wire.Errorf(wire.AccessDenied, "A service calls either for a source or on a principal's behalf.")
	}
	f, err := e.sessions.OpenForward(c.caller.Service.Service.Principal, c.region, token, c.now)
	if err != nil {
		return err
	}
	principal, failed := c.caller.OnBehalf(e.sessions, f, c.now)
	if failed != nil {
		return failed
	}
	c.caller = principal
	return nil
}

// saidByService reads the headers of integrated services: each once, and
// signed. Without any it answers nil.
func saidByService(h http.Header, signed []string) (map[string]string, error) {
	var said map[string]string
	for _, name := range [...]string{SourceARNHeader, SourceAccountHeader, ForwardTokenHeader} {
		values, sent := h[name]
		switch {
		case !sent:
			continue
		case len(values) != 1:
			return nil, wire.Errorf(wire.InvalidSignature, "The '%s' header may occur only once in a signed request.", name)
		case !slices.Contains(signed, strings.ToLower(name)):
			return nil, wire.Errorf(wire.InvalidSignature, "'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
		}
		if said == nil {
			said = map[string]string{}
		}
		said[name] = values[0]
	}
	return said, nil
}

// maxARN is the longest ARN of AWS, in bytes.
const maxARN = 2048

var (
	accountForm   = regexp.MustCompile(`^[0-9]{12}$`)
	sourceARNForm = regexp.MustCompile(`^arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:[!-~]+$`)
)

// sourceOf is the source that a service calls for. Its account is always
// known: that of the ARN, or where the ARN has none the one said beside it.
func sourceOf(said map[string]string) (identity.Source, error) {
	arn, account := said[SourceARNHeader], said[SourceAccountHeader]
	_, hasARN := said[SourceARNHeader]
	_, hasAccount := said[SourceAccountHeader]
	form := sourceARNForm.FindStringSubmatch(arn)
	switch {
	case hasAccount && !accountForm.MatchString(account):
		return identity.Source{}, wire.Errorf(wire.AccessDenied, "%s must be an account id of 12 digits.", SourceAccountHeader)
	case !hasARN:
		return identity.Source{Account: account}, nil
	case form == nil || len(arn) > maxARN:
		return identity.Source{}, wire.Errorf(wire.AccessDenied, "%s must be the ARN of a resource.", SourceARNHeader)
	case form[1] == "" && !hasAccount:
		return identity.Source{}, wire.Errorf(wire.AccessDenied, "%s is needed beside an ARN that has no account.", SourceAccountHeader)
	case form[1] != "" && hasAccount && form[1] != account:
		return identity.Source{}, wire.Errorf(wire.AccessDenied, "%s and %s name different accounts.", SourceARNHeader, SourceAccountHeader)
	}
	return identity.Source{ARN: arn, Account: cmp.Or(account, form[1])}, nil
}

// account is the one whose resources the request means where it names none:
// the caller's; for a service as itself that of its source, empty without.
func (s *Scope) account() string {
	if s.Caller.Service != nil && s.Caller.Account == "" {
		return s.Caller.Service.Source.Account
	}
	return s.Caller.Account
}

// actionsOf are the actions that each operation asks about, by the row's id.
var actionsOf = func() map[string][]string {
	all := map[string][]string{}
	for _, a := range policy.Actions {
		service, _, _ := strings.Cut(a.Name, ":")
		all[service+":"+a.Operation] = append(all[service+":"+a.Operation], a.Name)
	}
	return all
}()

// mandated makes sure, before a resource is looked up, that an integrated
// service acts only where, for whom and with what the world lets it.
func (s *Scope) mandated() error {
	if s.Caller.Service == nil || s.account() == "" {
		return nil
	}
	for _, action := range actionsOf[s.row.id()] {
		if err := s.mandate(action, s.account(), s.Region); err != nil {
			return err
		}
	}
	return nil
}

// mandatedChecks is mandated for all that the call really asks. A service as
// itself that names no source acts for the owner of the resource.
func (s *Scope) mandatedChecks() error {
	if s.Caller.Service == nil {
		return nil
	}
	for _, c := range s.checks {
		if err := s.mandate(c.Action, cmp.Or(s.account(), c.Resource.Account), cmp.Or(c.Region, s.Region)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scope) mandate(action, account, region string) error {
	service := s.Caller.Service.Service
	switch {
	case account == "":
		return wire.Errorf(wire.AccessDenied, "The service %s does not say for which account it calls.", service.Principal)
	case !service.May(account, region, action):
		return wire.Errorf(wire.AccessDenied, "The service %s may not act for account %s in %s with %s.", service.Principal, account, region, action)
	}
	return nil
}

// createForwardToken is the row of CreateForwardToken, an action of keyreeve's
// own beside those of STS: a principal lets a service act on its behalf. It
// needs no permission, since every use of the token is decided as a call of
// the principal.
func createForwardToken() row {
	return define(Operation[sts.CreateForwardTokenInput, sts.CreateForwardTokenOutput]{
		Name: sts.CreateForwardToken, Service: "sts", Effect: Reads,
		Checks: func(*Scope, *sts.CreateForwardTokenInput) ([]Check, error) { return nil, nil },
		Run: func(_ context.Context, s *Scope, in *sts.CreateForwardTokenInput) (*sts.CreateForwardTokenOutput, error) {
			f, err := s.forward(in)
			if err != nil {
				return nil, err
			}
			token, err := s.engine.sessions.IssueForward(f)
			if err != nil {
				return nil, err
			}
			return &sts.CreateForwardTokenOutput{ForwardToken: token, Expires: f.Expires}, nil
		},
	})
}

// forward is what a new token says. One that a service asks for on a
// principal's behalf names that principal, lasts no longer than the token
// that the service holds, and goes on with the chain of services.
func (s *Scope) forward(in *sts.CreateForwardTokenInput) (sts.Forward, error) {
	f := sts.Forward{
		Service: in.Service, Region: cmp.Or(in.Region, s.Region), Expires: s.Now.Add(sts.ForwardLife),
		AccessKeyID: s.signature.AccessKeyID, SessionToken: s.signature.SessionToken, PrincipalID: s.Caller.ID,
	}
	_, known := s.World.Service(in.Service)
	switch {
	case s.Caller.Type == decision.Service:
		return f, wire.Errorf(wire.AccessDenied, "A service that calls as itself has no principal to act on behalf of.")
	case !known:
		return f, wire.Errorf(sts.ValidationError, "%s is no integrated service.", in.Service)
	case !s.World.Offers(s.Caller.Account, f.Region):
		return f, wire.Errorf(sts.ValidationError, "The account does not have the Region %s.", f.Region)
	}
	if s.Caller.Service == nil {
		return f, nil
	}
	held := s.Caller.Service.Forward
	f.AccessKeyID, f.SessionToken, f.Via = held.AccessKeyID, held.SessionToken, s.Caller.Service.Chain()
	if held.Expires.Before(f.Expires) {
		f.Expires = held.Expires
	}
	return f, s.mandate("sts:"+sts.CreateForwardToken, s.Caller.Account, s.Region)
}

// errCredentials refuses credentials to a service that acts for another: they
// would outlast the token.
func errCredentials() error {
	return wire.Errorf(wire.AccessDenied, "A service cannot obtain credentials on a principal's behalf.")
}

// mayBecome tells whether the caller may have a session of a role. One that is
// linked to a service is for that service alone: Guide, "Using service-linked
// roles for AWS KMS".
func (s *Scope) mayBecome(role *world.Role) error {
	called := s.Caller.Service
	switch {
	case called != nil && called.Forward != nil:
		return errCredentials()
	case !role.ServiceLinked:
		return nil
	case called == nil || !strings.HasPrefix(role.Path, "/aws-service-role/"+called.Service.Principal+"/"):
		return wire.Errorf(wire.AccessDenied, "A service-linked role can be assumed only by the service that it is linked to.")
	}
	return nil
}
