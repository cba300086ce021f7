package sts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

const (
	// ForwardLife is how long a forward token can be used.
	ForwardLife = 5 * time.Minute

	// maxForward bounds the length of a forward token. It holds at most one
	// session token.
	maxForward = 2 * MaxToken

	// maxVia bounds the chain of services.
	maxVia = 8

	forwardPurpose = "forward-token"
)

// A Forward is what a forward token says: the principal that a service may
// call for, in one Region and for a short time.
type Forward struct {
	Service string // service principal that may use the token
	Region  string // in which
	Expires time.Time

	// AccessKeyID and SessionToken are of the credentials that the principal
	// asked with, PrincipalID is its aws:userid. SessionToken is empty for
	// credentials that the world lists.
	AccessKeyID  string
	SessionToken seal.Secret
	PrincipalID  string

	// Via are the services that asked for the token on the principal's
	// behalf, the first that it asked first.
	Via []string
}

// forwardPayload is a Forward as a token carries it. Its names must not
// change, and a new one is a reason for older servers to refuse the token.
type forwardPayload struct {
	Expires      int64    `json:"e"`
	AccessKeyID  string   `json:"k"`
	SessionToken string   `json:"t,omitempty"`
	PrincipalID  string   `json:"p"`
	Via          []string `json:"v,omitempty"`
}

// IssueForward makes the token of f. Like a session token it holds all that it
// says, and is bound to the service and the Region:
//
//	token = base64url(seal("forward-token", service NUL Region, JSON))
func (t *Tokens) IssueForward(f Forward) (seal.Secret, error) {
	switch {
	case f.Service == "" || f.Region == "" || f.AccessKeyID == "" || f.PrincipalID == "":
		return seal.Secret{}, errors.New("issuing a forward token that does not say who, for whom or where")
	case len(f.Via) > maxVia:
		return seal.Secret{}, wire.Errorf(ValidationError, "At most %d services can act for a principal one after the other.", maxVia)
	}
	text, err := json.Marshal(forwardPayload{
		Expires: f.Expires.Unix(), AccessKeyID: f.AccessKeyID, SessionToken: string(f.SessionToken.Expose()), PrincipalID: f.PrincipalID, Via: f.Via,
	})
	if err != nil {
		return seal.Secret{}, fmt.Errorf("encoding a forward token: %w", err)
	}
	sealed, err := t.root.Seal(forwardPurpose, forwardBinding(f.Service, f.Region), text)
	if err != nil {
		return seal.Secret{}, fmt.Errorf("sealing a forward token: %w", err)
	}
	return seal.NewSecret([]byte(encoding.EncodeToString(sealed))), nil
}

// forwardBinding is the associated data of a token; neither name has a NUL.
func forwardBinding(service, region string) []byte { return []byte(service + "\x00" + region) }

// OpenForward returns what a token says that service sent in a Region. A token
// of another service or Region is as good as none. Errors are *wire.Error.
func (t *Tokens) OpenForward(service, region, token string, now time.Time) (Forward, error) {
	var p forwardPayload
	if err := t.openForward(service, region, token, &p); err != nil {
		return Forward{}, &wire.Error{Code: wire.AccessDenied, Message: "The forward token is not valid for this service in this Region.", Cause: err}
	}
	f := Forward{
		Service: service, Region: region, Expires: moment(p.Expires), AccessKeyID: p.AccessKeyID, PrincipalID: p.PrincipalID, Via: p.Via,
	}
	if p.SessionToken != "" {
		f.SessionToken = seal.NewSecret([]byte(p.SessionToken))
	}
	if !now.Before(f.Expires) {
		return Forward{}, wire.Errorf(wire.AccessDenied, "The forward token has expired.")
	}
	return f, nil
}

func (t *Tokens) openForward(service, region, token string, p *forwardPayload) error {
	if len(token) > maxForward {
		return errors.New("a forward token that is too long")
	}
	sealed, err := encoding.DecodeString(token)
	if err != nil {
		return errors.New("a forward token that is not base64") // err would quote a part of it
	}
	text, err := t.root.Open(forwardPurpose, forwardBinding(service, region), sealed)
	if err != nil {
		return fmt.Errorf("opening a forward token: %w", err)
	}
	return decodeStrictly(text.Expose(), p)
}

// decodeStrictly reads JSON that has no member unknown to v.
func decodeStrictly(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return errors.New("reading a token") // err would quote a part of it
	}
	return nil
}
