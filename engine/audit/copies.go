package audit

import (
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// owner is the account of an ARN; empty if it has none.
func owner(arn string) string {
	var found bool
	for range 4 {
		if _, arn, found = strings.Cut(arn, ":"); !found {
			return ""
		}
	}
	account, _, found := strings.Cut(arn, ":")
	if !found {
		return ""
	}
	return account
}

// resources lists what the call touched. A caller that was refused is not told
// the keys of other accounts: it may have named them in other words, or by a
// ciphertext.
func (c Call) resources(order on) []Resource {
	if order == absent {
		return nil
	}
	list := make([]Resource, 0, len(c.Keys)+1)
	add := func(arn, kind string) {
		if arn != "" && (c.Allowed || c.Caller.Kind == Service || owner(arn) == c.Caller.Account) {
			list = append(list, Resource{AccountID: owner(arn), Type: kind, ARN: arn})
		}
	}
	const key = "AWS::KMS::Key" // of aliases too
	switch order {
	case nothing:
		return list
	case otherKind:
		for _, arn := range c.Keys {
			add(arn, "AWS::IAM::Role")
		}
		return list
	case aliasKey:
		add(c.Alias, key)
	}
	for _, arn := range c.Keys {
		add(arn, key)
	}
	if order == keyAlias {
		add(c.Alias, key)
	}
	return list
}

// copies are the records of the call in each account that gets one. The
// caller's is the first.
func (c Call) copies(e Event, root uuid.UUID) ([]Event, error) {
	var events []Event
	if c.Caller.Account != "" {
		events = append(events, e)
	}
	for _, account := range c.otherOwners() {
		copied, err := c.copyFor(account, e, root)
		if err != nil {
			return nil, err
		}
		events = append(events, copied)
	}
	if len(events) > 1 || c.Caller.Kind == Service {
		shared := derived(root, "shared")
		for i := range events {
			events[i].SharedEventID = shared
		}
	}
	return events, nil
}

// otherOwners are the accounts, besides the caller's, whose keys the call
// used. A service has no account, so the owner's record is the only one, also
// of a refusal.
func (c Call) otherOwners() (accounts []string) {
	if !c.Allowed && c.Caller.Kind != Service {
		return nil
	}
	for _, arn := range c.Keys {
		if a := owner(arn); a != "" && a != c.Caller.Account && !slices.Contains(accounts, a) {
			accounts = append(accounts, a)
		}
	}
	return accounts
}

// copyFor is the record for the owner of a key: of the caller it tells account
// and unique id only (CT-057), of resources its own, of evidence nothing.
func (c Call) copyFor(account string, e Event, root uuid.UUID) (Event, error) {
	e.RecipientAccountID = account
	e.EventID = derived(root, account)
	if c.Caller.Kind != Service {
		var err error
		if e.UserIdentity, err = (Identity{Kind: foreign, PrincipalID: c.Caller.PrincipalID, Account: c.Caller.Account}).json(); err != nil {
			return e, err
		}
	}
	if e.Resources != nil {
		e.Resources = slices.DeleteFunc(slices.Clone(e.Resources), func(r Resource) bool { return r.AccountID != account })
	}
	if e.AdditionalEventData != nil {
		own := c.Additional
		own.Authorization = nil
		e.AdditionalEventData = &own
		if own.empty() {
			e.AdditionalEventData = nil
		}
	}
	return e, nil
}

// CopyID is the id of the record that a call leaves in the account of a key
// that is not the caller's.
func CopyID(eventID, account string) (string, error) {
	root, err := uuid.Parse(eventID)
	if err != nil {
		return "", errors.New("a record without a UUID as its id")
	}
	return derived(root, account), nil
}

// derived is a UUID that follows from the call's and from what it is for
// (RFC 9562, section 5.5).
func derived(root uuid.UUID, name string) string {
	return uuid.NewSHA1(root, []byte(name)).String()
}

// kmsName stands for the service where it acts for a caller in a second
// Region.
const kmsName = "kms.amazonaws.com"

// secondRegion is the record that two operations leave in the Region that they
// change besides their own.
func (c Call) secondRegion(e Event, root uuid.UUID) ([]Event, error) {
	switch in := c.Input.(type) {
	case *wire.ReplicateKeyInput:
		return c.replicaCreated(in, root)
	case *wire.UpdatePrimaryRegionInput:
		return c.primaryMoved(e, in, root)
	}
	return nil, nil
}

// replicaCreated is the CreateKey of the replica, which the service makes on
// the caller's behalf (CT-061).
func (c Call) replicaCreated(in *wire.ReplicateKeyInput, root uuid.UUID) ([]Event, error) {
	out, ok := c.Output.(*wire.ReplicateKeyOutput)
	if !ok || out.ReplicaKeyMetadata == nil || out.ReplicaKeyMetadata.Arn == nil {
		return nil, nil
	}
	meta := out.ReplicaKeyMetadata
	second := c
	second.Operation, second.Region, second.EventID = "CreateKey", in.ReplicaRegion, derived(root, in.ReplicaRegion)
	second.Caller.InvokedBy = kmsName
	second.Keys, second.Alias, second.Additional = []string{*meta.Arn}, "", Additional{}
	second.Input = &wire.CreateKeyInput{
		Description: meta.Description, Origin: meta.Origin, BypassPolicyLockoutSafetyCheck: in.BypassPolicyLockoutSafetyCheck,
		KeySpec: meta.KeySpec, KeyUsage: meta.KeyUsage, MultiRegion: meta.MultiRegion, Policy: in.Policy, Tags: in.Tags,
	}
	second.Output = &wire.CreateKeyOutput{KeyMetadata: meta}
	e, err := second.event(table["CreateKey"])
	return []Event{e}, err
}

// primaryMoved is the record in the Region of the new primary. It names no
// resources and not the old primary (CT-062).
func (c Call) primaryMoved(e Event, in *wire.UpdatePrimaryRegionInput, root uuid.UUID) ([]Event, error) {
	if len(c.Keys) == 0 {
		return nil, nil
	}
	parts := strings.SplitN(c.Keys[0], ":", 6)
	if len(parts) < 6 {
		return nil, nil
	}
	parts[3] = in.PrimaryRegion
	arn := strings.Join(parts, ":")
	second := c
	second.Keys = []string{arn}
	second.Caller.InvokedBy = kmsName
	moved := table["UpdatePrimaryRegion"]
	var err error
	if e.UserIdentity, err = second.Caller.json(); err != nil {
		return nil, err
	}
	if e.RequestParameters, err = second.part("requestParameters", moved.request, &wire.UpdatePrimaryRegionInput{KeyId: arn, PrimaryRegion: in.PrimaryRegion}, moved.in); err != nil {
		return nil, err
	}
	if e.ResponseElements, err = second.part("responseElements", moved.response, &struct{}{}, struct{}{}); err != nil {
		return nil, err
	}
	e.AWSRegion, e.EventID, e.Resources, e.AdditionalEventData = in.PrimaryRegion, derived(root, in.PrimaryRegion), nil, nil
	return []Event{e}, nil
}
