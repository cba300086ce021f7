package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// A Call is what the engine knows of a call when it has ended.
type Call struct {
	Operation string // a name of Operations
	Region    string
	Time      time.Time
	RequestID string

	// EventID is a new UUID: the eventID of the caller's record. Those of the
	// other records of the call are derived from it, so that a transaction
	// that runs again makes the same records.
	EventID string

	Caller    Identity
	SourceIP  netip.Addr
	UserAgent string
	TLS       *wire.TLSDetails
	Endpoint  Endpoint // VPC endpoint that the call came through

	Input  any         // as decoded; nil if it could not be
	Output any         // nil if the call failed or has no answer
	Err    *wire.Error // nil if it succeeded

	// Allowed is true if every decision of the call was "yes", whatever
	// happened afterwards. Only then do records name the keys of other
	// accounts, and only then do those accounts get records (CT-006, A-20).
	Allowed bool

	// Foreign is true if the call was for a resource of another account,
	// whether that exists or not.
	Foreign bool

	// Unrecorded is true if nothing but the policy of the VPC endpoint refused
	// the call: then there is no record of it (CT-007).
	Unrecorded bool

	Keys  []string // ARNs of the keys that it touched, in order; also of an STS action's role
	Alias string   // ARN of the alias that it made, changed or deleted

	Additional Additional
	Details    *ServiceDetails // of what the service did on its own
}

// An Endpoint is a VPC endpoint and the account that owns it.
type Endpoint struct{ ID, Account string }

// Limits of CloudTrail, in bytes; what is longer is cut or left out.
const (
	maxText = 1 << 10
	maxPart = 100 << 10
)

// maxEvidence bounds our own member in the same way, so that a key policy that
// denies by many statements does not make a refusal long.
const maxEvidence = 16 << 10

// Build returns the records of a call: in the caller's account and, if keys of
// other accounts were used, in each of those (CT-005); for some operations
// another one in a second Region (CT-061, CT-062). A call by nobody's account
// on nobody's key has none.
func Build(c Call) ([]Event, error) {
	r, known := table[c.Operation]
	if !known {
		return nil, fmt.Errorf("a record of the unknown operation %q", c.Operation)
	}
	root, err := uuid.Parse(c.EventID)
	if err != nil {
		return nil, errors.New("a record without a UUID as its id")
	}
	if c.Unrecorded {
		return nil, nil
	}
	e, err := c.event(r)
	if err != nil {
		return nil, err
	}
	events, err := c.copies(e, root)
	if err != nil || c.Err != nil || len(events) == 0 {
		return events, err
	}
	second, err := c.secondRegion(e, root)
	if err != nil {
		return nil, err
	}
	return append(events, second...), nil
}

// Lines is Build, and each record as JSON.
func Lines(c Call) ([][]byte, error) {
	events, err := Build(c)
	if err != nil {
		return nil, err
	}
	lines := make([][]byte, len(events))
	for i, e := range events {
		if lines[i], err = e.JSON(); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// event is the record in the caller's account.
func (c Call) event(r row) (e Event, err error) {
	e = Event{
		EventVersion: eventVersion, EventTime: stamp(c.Time), EventSource: source(c.Operation), EventName: c.Operation, AWSRegion: c.Region,
		RequestID: c.RequestID, EventID: c.EventID, ReadOnly: r.readOnly, Resources: c.resources(r.resources), EventType: apiCall,
		ManagementEvent: true, RecipientAccountID: c.Caller.Account, ServiceEventDetails: c.Details, EventCategory: category,
	}
	if e.UserIdentity, err = c.Caller.json(); err != nil {
		return e, err
	}
	if e.RequestParameters, err = c.part("requestParameters", r.request, c.Input, r.in); err != nil {
		return e, err
	}
	if c.Err == nil {
		out := c.Output
		if r.out == nil { // only the ARN of the key is shown
			out, r.out = &struct{}{}, struct{}{}
		}
		if e.ResponseElements, err = c.part("responseElements", r.response, out, r.out); err != nil {
			return e, err
		}
	}
	if r.internal {
		e.EventType, e.RequestID = serviceEvent, ""
	}
	e.ErrorCode, e.ErrorMessage = failure(c.Err)
	c.origin(&e)
	if !c.Additional.empty() {
		additional := c.Additional
		additional.Authorization = bounded("authorization", additional.Authorization, maxEvidence)
		e.AdditionalEventData = &additional
	}
	return e, nil
}

func source(operation string) string {
	if _, ok := stsRows[operation]; ok {
		return "sts.amazonaws.com"
	}
	return "kms.amazonaws.com"
}

// part is one of the two objects.
func (c Call) part(name string, members []member, v, want any) (json.RawMessage, error) {
	var arn string
	if len(c.Keys) > 0 {
		arn = c.Keys[0]
	}
	raw, err := object(members, recorded(v), want, arn)
	return bounded(name, raw, maxPart), err
}

// bounded replaces what is longer than limit bytes as CloudTrail does it.
func bounded(name string, raw json.RawMessage, limit int) json.RawMessage {
	if len(raw) <= limit {
		return raw
	}
	return fmt.Appendf(nil, `{"omitted":true,"originalSize":%d,"reason":"%s is too large"}`, len(raw), name)
}

// failure is how an error is recorded. Access denied has another name here
// than on the wire (CT-094). What follows the first paragraph of a message
// repeats the request, and is left out.
func failure(e *wire.Error) (code, message string) {
	if e == nil {
		return "", ""
	}
	code = string(e.Code)
	switch e.Code {
	case wire.AccessDenied:
		code = "AccessDenied"
	case "":
		code = string(wire.KMSInternal)
	}
	message, _, _ = strings.Cut(e.Message, "\n\n")
	return code, short(message)
}

// short cuts a text after maxText bytes, between characters.
func short(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "")
}

// origin says where the call came from: the client, or the service that
// called, whose name stands for its address (CT-026, CT-040).
func (c Call) origin(e *Event) {
	invokedBy := c.Caller.InvokedBy
	if c.Caller.Kind == Internal {
		invokedBy = InternalName
	}
	if invokedBy != "" {
		e.SourceIPAddress, e.UserAgent = invokedBy, invokedBy
		return
	}
	if c.SourceIP.IsValid() {
		e.SourceIPAddress = c.SourceIP.Unmap().String()
	}
	e.UserAgent = short(c.UserAgent)
	if t := c.TLS; t != nil {
		e.TLSDetails = &TLS{Version: t.Version, CipherSuite: t.CipherSuite, Host: t.Host, KeyExchange: t.Group}
	}
	if c.endpointShown() {
		e.VPCEndpointID = c.Endpoint.ID
	}
}

// endpointShown tells whether caller, endpoint and resources are all in one
// account (CT-008).
func (c Call) endpointShown() bool {
	return c.Endpoint.Account == c.Caller.Account && !c.Foreign && !slices.ContainsFunc(c.Keys, func(arn string) bool { return owner(arn) != c.Caller.Account })
}
