package sts

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

const (
	// MaxToken is the length of the longest session token. It leaves half of
	// the 8 KiB that common proxies grant to all headers of a request.
	MaxToken = 4096

	// maxPacked bounds what a token may unpack to.
	maxPacked = 64 << 10

	purpose = "session-token"
)

// encoding is strict, so that no other text stands for the same token.
var encoding = base64.RawURLEncoding.Strict()

// A Session is what temporary credentials stand for: who, and what limits it.
// All other policies are those of the moment of use.
type Session struct {
	AccessKeyID string // "ASIA" and 16 more; set by Issue
	SecretKey   seal.Secret
	IssuedAt    time.Time
	Expires     time.Time

	// PrincipalID is the unique id of the role, or of the user for
	// GetSessionToken; PrincipalARN its ARN when the session was issued.
	PrincipalID  string
	PrincipalARN string

	// ParentKeyID is the long-term access key at the beginning of the chain:
	// when it goes, the session dies.
	ParentKeyID string

	// Name is the role session name; empty for GetSessionToken.
	Name string

	// Policies are the documents of session policies, PolicyARNs name managed
	// ones. Nil means that none was attached, which limits nothing; empty
	// does not become nil on the way.
	Policies   []string
	PolicyARNs []string

	Tags           map[string]string
	TransitiveTags []string // keys of Tags that pass on to chained sessions
	SourceIdentity string

	// MFASerial names the device that MFATime's code came from; empty without.
	MFASerial string
	MFATime   time.Time

	// Chained is true if another role session assumed the role.
	Chained bool
}

// payload is a Session as a token carries it: times in seconds, as small as
// can be. Its names must not change; a new one is a reason for older servers
// to refuse the token, since it may limit.
type payload struct {
	Secret         []byte            `json:"k"`
	IssuedAt       int64             `json:"i"`
	Expires        int64             `json:"e"`
	PrincipalID    string            `json:"p"`
	PrincipalARN   string            `json:"a"`
	ParentKeyID    string            `json:"q,omitempty"`
	Name           string            `json:"n,omitempty"`
	Policies       []string          `json:"d"` // null and [] differ
	PolicyARNs     []string          `json:"m"`
	Tags           map[string]string `json:"t,omitempty"`
	TransitiveTags []string          `json:"u,omitempty"`
	SourceIdentity string            `json:"s,omitempty"`
	MFASerial      string            `json:"f,omitempty"`
	MFATime        int64             `json:"g,omitempty"`
	Chained        bool              `json:"c,omitempty"`
}

// Tokens makes and opens session tokens. A token holds its whole session,
// sealed under the root key and bound to its access key id, so nothing is
// stored:
//
//	token = base64url(seal("session-token", access key id, deflate(JSON)))
//
// It is safe for concurrent use.
type Tokens struct {
	root *seal.RootKey
	rand io.Reader
}

// NewTokens makes a Tokens; random is where access key ids and secrets come
// from, crypto/rand if nil.
func NewTokens(root *seal.RootKey, random io.Reader) *Tokens {
	if random == nil {
		random = rand.Reader
	}
	return &Tokens{root: root, rand: random}
}

// Issue makes credentials for s, whose AccessKeyID and SecretKey it chooses.
// It refuses a session whose token would be longer than MaxToken.
func (t *Tokens) Issue(s Session) (Credentials, error) {
	if s.PrincipalID == "" || s.PrincipalARN == "" || !s.Expires.After(s.IssuedAt) {
		return Credentials{}, errors.New("issuing a session without a principal or a lifetime")
	}
	var random [10 + 30]byte
	if _, err := io.ReadFull(t.rand, random[:]); err != nil {
		return Credentials{}, fmt.Errorf("reading randomness for a session: %w", err)
	}
	keyID := "ASIA" + base32.StdEncoding.EncodeToString(random[:10])
	secret := base64.StdEncoding.EncodeToString(random[10:])
	packed, err := pack(payload{
		Secret: []byte(secret), IssuedAt: s.IssuedAt.Unix(), Expires: s.Expires.Unix(),
		PrincipalID: s.PrincipalID, PrincipalARN: s.PrincipalARN, ParentKeyID: s.ParentKeyID, Name: s.Name,
		Policies: s.Policies, PolicyARNs: s.PolicyARNs, Tags: s.Tags, TransitiveTags: s.TransitiveTags,
		SourceIdentity: s.SourceIdentity, MFASerial: s.MFASerial, MFATime: seconds(s.MFATime), Chained: s.Chained,
	})
	if err != nil {
		return Credentials{}, err
	}
	sealed, err := t.root.Seal(purpose, []byte(keyID), packed)
	if err != nil {
		return Credentials{}, fmt.Errorf("sealing a session token: %w", err)
	}
	token := []byte(encoding.EncodeToString(sealed))
	size := (100*len(token) + MaxToken - 1) / MaxToken
	if len(token) > MaxToken {
		return Credentials{}, wire.Errorf(PackedPolicyTooLarge, "Packed policy consumes %d%% of allotted space, please use smaller policy.", size)
	}
	return Credentials{
		AccessKeyID: keyID, SecretKey: seal.NewSecret([]byte(secret)), SessionToken: seal.NewSecret(token),
		Expires: time.Unix(s.Expires.Unix(), 0).UTC(), PackedSize: size,
	}, nil
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func moment(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// Open returns the session of a token that came with accessKeyID. It refuses,
// with one error, every token that Issue did not make for that id under this
// root key, and with another one that has expired. Errors are *wire.Error.
func (t *Tokens) Open(accessKeyID string, token seal.Secret, now time.Time) (Session, error) {
	p, err := t.open(accessKeyID, token.Expose())
	if err != nil {
		return Session{}, &wire.Error{Code: wire.UnrecognizedClient, Message: "The security token included in the request is invalid.", Cause: err}
	}
	if !now.Before(time.Unix(p.Expires, 0)) {
		return Session{}, wire.Errorf(wire.ExpiredToken, "The security token included in the request is expired")
	}
	return Session{
		AccessKeyID: accessKeyID, SecretKey: seal.NewSecret(p.Secret), IssuedAt: moment(p.IssuedAt), Expires: moment(p.Expires),
		PrincipalID: p.PrincipalID, PrincipalARN: p.PrincipalARN, ParentKeyID: p.ParentKeyID, Name: p.Name,
		Policies: p.Policies, PolicyARNs: p.PolicyARNs, Tags: p.Tags, TransitiveTags: p.TransitiveTags,
		SourceIdentity: p.SourceIdentity, MFASerial: p.MFASerial, MFATime: moment(p.MFATime), Chained: p.Chained,
	}, nil
}

func (t *Tokens) open(accessKeyID string, token []byte) (p payload, err error) {
	if len(token) > MaxToken {
		return p, errors.New("a session token that is too long")
	}
	sealed, err := encoding.AppendDecode(nil, token)
	if err != nil {
		return p, errors.New("a session token that is not base64") // err would quote a part of it
	}
	packed, err := t.root.Open(purpose, []byte(accessKeyID), sealed)
	if err != nil {
		return p, fmt.Errorf("opening a session token: %w", err)
	}
	return unpack(packed.Expose())
}

func pack(p payload) ([]byte, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encoding a session: %w", err)
	}
	if len(text) > maxPacked {
		return nil, wire.Errorf(PackedPolicyTooLarge, "Packed policy is larger than the allotted space, please use smaller policy.")
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("packing a session: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return nil, fmt.Errorf("packing a session: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("packing a session: %w", err)
	}
	return b.Bytes(), nil
}

// inflaters are kept because each has a window of 32 KiB.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

func unpack(packed []byte) (p payload, err error) {
	r := inflaters.Get().(io.Reader)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(packed), nil); err != nil {
		return payload{}, errors.New("unpacking a session token")
	}
	dec := json.NewDecoder(io.LimitReader(r, maxPacked))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return payload{}, errors.New("unpacking a session token") // err would quote a part of it
	}
	return p, nil
}
