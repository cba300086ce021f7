package audit

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
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
	Kind        string `json:"type"` // "Role" or "IAMUser"
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	Account     string `json:"accountId"`
	UserName    string `json:"userName"`
}

type identityJSON struct {
	Type        string       `json:"type,omitempty"`
	PrincipalID string       `json:"principalId,omitempty"`
	ARN         string       `json:"arn,omitempty"`
	AccountID   string       `json:"accountId,omitempty"`
	AccessKeyID string       `json:"accessKeyId,omitempty"`
	UserName    string       `json:"userName,omitempty"`
	Session     *sessionJSON `json:"sessionContext,omitempty"`
	InvokedBy   string       `json:"invokedBy,omitempty"`
}

type sessionJSON struct {
	Issuer         *Issuer        `json:"sessionIssuer,omitempty"`
	WebIdentity    *webJSON       `json:"webIdFederationData,omitempty"`
	SourceIdentity string         `json:"sourceIdentity,omitempty"`
	Attributes     attributesJSON `json:"attributes"`
}

type webJSON struct {
	Provider string `json:"federatedProvider"`
}

type attributesJSON struct {
	Created string `json:"creationDate,omitempty"`
	MFA     string `json:"mfaAuthenticated"` // text, not a boolean
}

// json writes the members that a caller of this kind has.
func (i Identity) json() (json.RawMessage, error) {
	v := identityJSON{AccountID: i.Account, InvokedBy: i.InvokedBy}
	switch i.Kind {
	case Internal:
		v.InvokedBy = InternalName
	case Service:
		v.Type, v.AccountID = string(i.Kind), ""
	case foreign:
		v.Type, v.PrincipalID, v.InvokedBy = string(i.Kind), i.PrincipalID, ""
	case Root, User, Role, Federated:
		v.Type, v.PrincipalID, v.ARN, v.AccessKeyID, v.UserName = string(i.Kind), i.PrincipalID, i.ARN, i.AccessKeyID, i.UserName
		v.Session = i.Session.json()
	default:
		return nil, fmt.Errorf("a record of a caller of unknown kind %q", i.Kind)
	}
	return json.Marshal(v)
}

func (s *Session) json() *sessionJSON {
	if s == nil {
		return nil
	}
	v := &sessionJSON{Issuer: s.Issuer, SourceIdentity: s.SourceIdentity, Attributes: attributesJSON{MFA: strconv.FormatBool(s.MFA)}}
	if !s.Created.IsZero() {
		v.Attributes.Created = stamp(s.Created)
	}
	if s.Provider != "" {
		v.WebIdentity = &webJSON{Provider: s.Provider}
	}
	return v
}
