package engine

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// record puts the events of a change into its own transaction.
func (s *Scope) record(out any) error {
	events, err := s.engine.events(s.call, s, out, nil)
	if err != nil {
		return fmt.Errorf("making the audit event: %w", err)
	}
	for _, e := range events {
		if err := s.Tx.AppendEvent(e); err != nil {
			return err
		}
	}
	s.recorded = true
	return nil
}

// events are the records of a call, as JSON (CT-001 to CT-009). s is nil if
// the call ended before its transaction began.
func (e *Engine) events(c *call, s *Scope, out any, failure error) ([][]byte, error) {
	record := audit.Call{
		Operation: c.row.name, Region: c.region, Time: c.now, RequestID: c.request.ID, EventID: c.eventID,
		Caller: auditIdentity(c.caller), SourceIP: c.request.RemoteIP, UserAgent: c.request.Header.Get("User-Agent"), TLS: c.request.TLS,
		Input: c.input, Output: out, Err: wire.AsError(failure),
	}
	if c.endpoint != nil {
		record.Endpoint = audit.Endpoint{ID: c.endpoint.ID, Account: c.endpoint.Account}
	}
	if s != nil {
		record.Unrecorded = s.unrecorded
		if err := s.touched(&record, out); err != nil {
			return nil, err
		}
	}
	events, err := audit.Build(record)
	if err != nil {
		return nil, err
	}
	lines := make([][]byte, len(events))
	for i, event := range events {
		if lines[i], err = event.JSON(); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// touched adds what the checks of a call found.
func (s *Scope) touched(record *audit.Call, out any) error {
	record.Allowed = len(s.decisions) == len(s.checks) && len(s.checks) > 0
	for _, d := range s.decisions {
		record.Allowed = record.Allowed && d.decision.Allowed
	}
	for _, c := range s.checks {
		foreign := s.Caller.Account != "" && c.Resource.Account != s.Caller.Account
		record.Foreign = record.Foreign || foreign
		switch {
		case foreign && !record.Allowed && c.Rule != decision.Trust:
			continue // what is refused there leaves the same record as what is absent
		case strings.Contains(c.Resource.ARN, ":alias/") && c.Resource.Key == nil && c.Rule == decision.IdentityOnly:
			record.Alias = c.Resource.ARN
		case c.Resource.Key != nil && !strings.Contains(c.State, "/"): // a second key of the call is not named
			record.Keys = append(record.Keys, s.keyARN(c.Resource.Key))
		case c.Rule == decision.Trust:
			record.Keys = []string{c.Resource.ARN}
		}
		if c.Rule == decision.GrantOnly && len(c.Grants) > 0 && record.Err == nil {
			record.Additional.GrantID = c.Grants[0].ID
		}
	}
	if created, ok := out.(*wire.CreateKeyOutput); ok {
		record.Keys = []string{*created.KeyMetadata.Arn}
	}
	return s.explained(record)
}

// explained adds the evidence of a refusal, as far as the caller may see it
//
func (s *Scope) explained(record *audit.Call) error {
	for _, d := range s.decisions {
		if d.decision.Allowed {
			continue
		}
		view, err := json.Marshal(d.told.CallerView())
		if err != nil {
			return fmt.Errorf("encoding the evidence: %w", err)
		}
		record.Additional.Authorization = view
	}
	return nil
}

// auditKinds are the names of callers in the records.
var auditKinds = map[decision.PrincipalType]audit.Kind{
	decision.Root:              audit.Root,
	decision.User:              audit.User,
	decision.Role:              audit.Role,
	decision.ServiceLinkedRole: audit.Role,
	decision.WebIdentity:       audit.Role,
	decision.Federated:         audit.Federated,
	decision.Service:           audit.Service,
}

// auditIdentity is the caller as the records show it (CT-050 to CT-057).
func auditIdentity(c identity.Caller) audit.Identity {
	id := audit.Identity{
		Kind: auditKinds[c.Type], Account: c.Account, PrincipalID: c.ID, ARN: c.ARN, AccessKeyID: c.AccessKeyID,
	}
	if c.Type == decision.User {
		id.UserName = c.Name
	}
	if c.Service != nil {
		id.InvokedBy = c.Service.InvokedBy()
	}
	if c.Session == nil {
		return id
	}
	id.Session = &audit.Session{
		Created: c.Session.Issued, MFA: !c.Session.MFATime.IsZero(), SourceIdentity: c.Session.SourceIdentity, Provider: c.Session.Provider,
	}
	switch {
	case c.Role != nil:
		id.Session.Issuer = &audit.Issuer{Kind: "Role", PrincipalID: c.Role.ID, ARN: c.Role.ARN, Account: c.Role.Account, UserName: c.Role.Name}
	case c.Type == decision.Federated && c.User != nil:
		id.Session.Issuer = &audit.Issuer{Kind: "IAMUser", PrincipalID: c.User.ID, ARN: c.User.ARN, Account: c.User.Account, UserName: c.User.Name}
	}
	return id
}

// recordInternal puts the event of what the service did on its own with a key
// into the transaction that does it (CT-081, CT-082).
func (e *Engine) recordInternal(tx *store.Tx, operation string, addr store.KeyAddr, eventID string, details *audit.ServiceDetails) error {
	arn := fmt.Sprintf("arn:%s:kms:%s:%s:key/%s", e.cfg.World().Partition(), addr.Region, addr.Account, addr.ID)
	requestID, err := audit.CopyID(eventID, "request") // SynchronizeMultiRegionKey has one (CT-083)
	if err != nil {
		return err
	}
	events, err := audit.Build(audit.Call{
		Operation: operation, Region: addr.Region, Time: e.cfg.Clock(), EventID: eventID, RequestID: requestID,
		Caller: audit.Identity{Kind: audit.Internal, Account: addr.Account, InvokedBy: audit.InternalName},
		Keys:   []string{arn}, Allowed: true, Details: details,
	})
	if err != nil {
		return err
	}
	for _, event := range events {
		line, err := event.JSON()
		if err != nil {
			return err
		}
		if err := tx.AppendEvent(line); err != nil {
			return err
		}
	}
	return nil
}
