package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// The longest session of a role that another role session assumed, and
// of a root user.
const (
	maxChained = time.Hour
	maxRoot    = time.Hour
)

func stsOperations() []row {
	return []row{
		decodeAuthorizationMessage(),
		createForwardToken(),
		define(Operation[sts.GetCallerIdentityInput, sts.GetCallerIdentityOutput]{
			Name: sts.GetCallerIdentity, Service: "sts", Effect: Reads,
			Checks: func(*Scope, *sts.GetCallerIdentityInput) ([]Check, error) { return nil, nil }, // needs no permission
			Run: func(_ context.Context, s *Scope, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
				return &sts.GetCallerIdentityOutput{ARN: s.Caller.ARN, UserID: s.Caller.ID, Account: s.Caller.Account}, nil
			},
		}),
		define(Operation[sts.GetSessionTokenInput, sts.GetSessionTokenOutput]{
			Name: sts.GetSessionToken, Service: "sts", Effect: Reads,
			Checks: func(*Scope, *sts.GetSessionTokenInput) ([]Check, error) { return nil, nil }, // needs no permission
			Run:    getSessionToken,
		}),
		define(Operation[sts.AssumeRoleInput, sts.AssumeRoleOutput]{
			Name: sts.AssumeRole, Service: "sts", Effect: Reads, Checks: assumeRoleChecks, Run: assumeRole,
		}),
	}
}

// errMFA refuses a one-time code: worlds list no devices, and a code that
// nobody checked must not count.
func errMFA() error {
	return wire.Errorf(wire.AccessDenied, "MultiFactorAuthentication failed: keyreeve does not offer MFA devices yet.")
}

func getSessionToken(_ context.Context, s *Scope, in *sts.GetSessionTokenInput) (*sts.GetSessionTokenOutput, error) {
	if in.SerialNumber != "" || in.TokenCode != "" {
		return nil, errMFA()
	}
	if s.Caller.Service != nil {
		return nil, errCredentials()
	}
	if s.Caller.Session != nil {
		return nil, wire.Errorf(wire.AccessDenied, "Cannot call GetSessionToken with session credentials")
	}
	length := time.Duration(in.DurationSeconds) * time.Second
	if s.Caller.Type == decision.Root {
		length = min(length, maxRoot)
	}
	c, err := s.engine.sessions.Issue(sts.Session{
		IssuedAt: s.Now, Expires: s.Now.Add(length),
		PrincipalID: s.Caller.ID, PrincipalARN: s.Caller.ARN, ParentKeyID: s.Caller.AccessKeyID,
	})
	if err != nil {
		return nil, err
	}
	return &sts.GetSessionTokenOutput{Credentials: c}, nil
}

// assumeRoleChecks asks what the trust policy and the caller's policies must
// allow. A role that does not exist answers like one that refuses.
func assumeRoleChecks(s *Scope, in *sts.AssumeRoleInput) ([]Check, error) {
	side := condition.Side{Keys: condition.RequestTags(stsTags(in.Tags))}
	keys := condition.Context(side.Keys)
	keys.One("sts:RoleSessionName", in.RoleSessionName)
	keys.One("sts:ExternalId", in.ExternalID)
	keys.One("sts:SourceIdentity", s.sourceIdentity(in))
	keys.Set("sts:TransitiveTagKeys", in.TransitiveTagKeys...)
	ask := Check{
		Action: "sts:AssumeRole", Rule: decision.Trust, Request: side,
		Resource: Resource{ARN: in.RoleARN, Account: strings.Split(in.RoleARN, ":")[4]},
	}
	if role := s.role(in.RoleARN); role != nil {
		ask.Policy = identity.Trust(role)
	}
	checks := []Check{ask}
	if len(in.Tags) > 0 {
		ask.Action = "sts:TagSession"
		checks = append(checks, ask)
	}
	if s.sourceIdentity(in) != "" {
		ask.Action = "sts:SetSourceIdentity"
		checks = append(checks, ask)
	}
	return checks, nil
}

// sourceIdentity is that of the session asked for: what the caller's session
// passes on, or what the request sets.
func (s *Scope) sourceIdentity(in *sts.AssumeRoleInput) string {
	if s.Caller.Session != nil && s.Caller.Session.SourceIdentity != "" {
		return s.Caller.Session.SourceIdentity
	}
	return in.SourceIdentity
}

func (s *Scope) role(arn string) *world.Role {
	p, _ := s.World.Principal(arn)
	role, _ := p.(*world.Role)
	return role
}

func stsTags(tags []sts.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

func assumeRole(_ context.Context, s *Scope, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	switch {
	case in.SerialNumber != "" || in.TokenCode != "":
		return nil, errMFA()
	case s.Caller.Type == decision.Root:
		return nil, wire.Errorf(wire.AccessDenied, "Roles may not be assumed by root accounts.")
	case in.SourceIdentity != "" && in.SourceIdentity != s.sourceIdentity(in):
		return nil, wire.Errorf(wire.AccessDenied, "The source identity of a session cannot be changed.")
	}
	role := s.role(in.RoleARN)
	if err := s.mayBecome(role); err != nil {
		return nil, err
	}
	chained := s.Caller.Role != nil
	length := time.Duration(in.DurationSeconds) * time.Second
	switch {
	case chained && length > maxChained:
		return nil, wire.Errorf(sts.ValidationError, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case length > role.MaxSession:
		return nil, wire.Errorf(sts.ValidationError, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	session := sts.Session{
		IssuedAt: s.Now, Expires: s.Now.Add(length), PrincipalID: role.ID, PrincipalARN: role.ARN,
		ParentKeyID: s.Caller.FirstKeyID(), Name: in.RoleSessionName, SourceIdentity: s.sourceIdentity(in), Chained: chained,
	}
	if err := s.sessionPolicies(&session, in, role); err != nil {
		return nil, err
	}
	if err := s.sessionTags(&session, in); err != nil {
		return nil, err
	}
	c, err := s.engine.sessions.Issue(session)
	if err != nil {
		return nil, err
	}
	return &sts.AssumeRoleOutput{
		AssumedRoleARN: fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", s.World.Partition(), role.Account, role.Name, in.RoleSessionName),
		AssumedRoleID:  role.ID + ":" + in.RoleSessionName,
		Credentials:    c, SourceIdentity: session.SourceIdentity,
		Packed: in.Policy != "" || len(in.PolicyARNs)+len(in.Tags) > 0,
	}, nil
}

// sessionPolicies checks and takes over the policies passed for the session.
func (s *Scope) sessionPolicies(session *sts.Session, in *sts.AssumeRoleInput, role *world.Role) error {
	if in.Policy != "" {
		if _, err := policy.Parse(policy.Session, []byte(in.Policy)); err != nil {
			return malformed(err)
		}
		session.Policies = []string{in.Policy}
	}
	for _, arn := range in.PolicyARNs {
		if _, known := identity.SessionPolicy(s.World, role.Account, arn); !known {
			return wire.Errorf(sts.ValidationError, "The managed policy %s does not exist in the role's account.", arn)
		}
	}
	session.PolicyARNs = in.PolicyARNs
	return nil
}

// sessionTags takes over the tags of the request and those that the caller's
// session passes on. A request cannot set a tag that is passed on.
func (s *Scope) sessionTags(session *sts.Session, in *sts.AssumeRoleInput) error {
	session.Tags = map[string]string{}
	requested := map[string]string{} // keys as spelled
	for _, t := range in.Tags {
		session.Tags[t.Key] = t.Value
		requested[strings.ToLower(t.Key)] = t.Key
	}
	for _, name := range in.TransitiveTagKeys {
		key, sent := requested[strings.ToLower(name)]
		if !sent {
			return wire.Errorf(sts.InvalidParameterValue, "The specified transitive tag key must be included in the requested tags.")
		}
		session.TransitiveTags = append(session.TransitiveTags, key)
	}
	if s.Caller.Session == nil {
		return nil
	}
	for _, name := range s.Caller.Session.TransitiveTags {
		if _, sent := requested[strings.ToLower(name)]; sent {
			return wire.Errorf(sts.InvalidParameterValue, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		session.Tags[name] = s.Caller.Session.Tags[name]
		session.TransitiveTags = append(session.TransitiveTags, name)
	}
	return nil
}
