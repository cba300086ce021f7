package audit

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/keyreeve/keyreeve/engine/jsontext"
)

// A Kind is the form of a userIdentity. The zero value is invalid.
type Kind string

// The kinds of callers, as CloudTrail names them; Internal has no name there.
const (
	Root      Kind = "Root"
	User      Kind = "IAMUser"
	Role      Kind = "AssumedRole" // also of a web identity
	Federated Kind = "FederatedUser"
	Service   Kind = "AWSService"
	Internal  Kind = "Internal" // the key management service itself

	// foreign is how a caller looks in another account's log (CT-057).
	foreign Kind = "AWSAccount"
)

// InternalName stands for the service in the records of what it does on its
// own.
const InternalName = "AWS Internal"

// An Identity is the caller of a call (CT-050 to CT-057).
type Identity struct {
	Kind        Kind
	Account     string // empty for Service
	PrincipalID string // aws:userid
	ARN         string
	AccessKeyID string
	UserName    string // of User and Federated's parent issuer only in Session

	// InvokedBy is the service that calls, as itself or for the caller.
	InvokedBy string

	// Session is nil for long-term credentials.
	Session *Session
}

// A Session is what temporary credentials add.
type Session struct {
	Created        time.Time // zero: not known
	MFA            bool
	SourceIdentity string
	Provider       string // of a web identity
	Issuer         *Issuer
}

// An Issuer is the role, or the user of a federated session, that a session
// belongs to.
type Issuer struct {
	Kind        string // "Role" or "IAMUser"
	PrincipalID string
	ARN         string
	Account     string
	UserName    string
}

// json writes the members that a caller of this kind has.
func (i Identity) json() (json.RawMessage, error) {
	o := jsontext.Begin(make([]byte, 0, 256))
	if i.Kind != Internal {
		o.String("type", string(i.Kind))
	}
	switch i.Kind {
	case Internal:
		o.Some("accountId", i.Account)
		o.String("invokedBy", InternalName)
	case Service:
		o.Some("invokedBy", i.InvokedBy)
	case foreign:
		o.Some("principalId", i.PrincipalID)
		o.Some("accountId", i.Account)
	case Root, User, Role, Federated:
		o.Some("principalId", i.PrincipalID)
		o.Some("arn", i.ARN)
		o.Some("accountId", i.Account)
		o.Some("accessKeyId", i.AccessKeyID)
		o.Some("userName", i.UserName)
		if i.Session != nil {
			o.Value(i.Session.appendTo(o.Name("sessionContext")))
		}
		o.Some("invokedBy", i.InvokedBy)
	default:
		return nil, fmt.Errorf("a record of a caller of unknown kind %q", i.Kind)
	}
	return o.End(), nil
}

func (s *Session) appendTo(b []byte) []byte {
	o := jsontext.Begin(b)
	if i := s.Issuer; i != nil {
		issuer := jsontext.Begin(o.Name("sessionIssuer"))
		issuer.String("type", i.Kind)
		issuer.String("principalId", i.PrincipalID)
		issuer.String("arn", i.ARN)
		issuer.String("accountId", i.Account)
		issuer.String("userName", i.UserName)
		o.Value(issuer.End())
	}
	if s.Provider != "" {
		web := jsontext.Begin(o.Name("webIdFederationData"))
		web.String("federatedProvider", s.Provider)
		o.Value(web.End())
	}
	o.Some("sourceIdentity", s.SourceIdentity)
	attributes := jsontext.Begin(o.Name("attributes"))
	if !s.Created.IsZero() {
		attributes.String("creationDate", stamp(s.Created))
	}
	attributes.String("mfaAuthenticated", strconv.FormatBool(s.MFA)) // text, not a boolean
	o.Value(attributes.End())
	return o.End()
}
