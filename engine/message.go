package engine

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// MessageHeader carries the encoded authorization message of a refusal. The
// key is in canonical form.
const MessageHeader = "X-Amzn-Encoded-Authorization-Message"

const (
	messagePurpose = "authorization-message"
	// messageLife is how long a message can be decoded.
	messageLife = 24 * time.Hour
	// maxMessage bounds what a message may unpack to, and maxEncoded its
	// length on the wire: it must fit a response header.
	maxMessage = 256 << 10
	maxEncoded = 6 << 10
)

// A refusal is what an encoded authorization message says: the evidence as far
// as the account of the caller may see it, and to whom it was told.
type refusal struct {
	Account   string            `json:"account"`
	Time      time.Time         `json:"time"`
	RequestID string            `json:"requestId"`
	Evidence  decision.Evidence `json:"evidence"`
}

// encodeRefusal seals the caller's view of a decision. The text is empty if it
// would be too long for a header: then the audit event alone tells.
func (e *Engine) encodeRefusal(c *call, d decision.Decision) (string, error) {
	if c.caller.Account == "" {
		return "", nil // a service as itself has no account that could open it
	}
	text, err := json.Marshal(refusal{Account: c.caller.Account, Time: c.now, RequestID: c.request.ID, Evidence: d.CallerView()})
	if err != nil {
		return "", fmt.Errorf("encoding a refusal: %w", err)
	}
	packed, err := pack(text)
	if err != nil {
		return "", fmt.Errorf("packing a refusal: %w", err)
	}
	sealed, err := e.cfg.Root.Seal(messagePurpose, nil, packed)
	if err != nil {
		return "", fmt.Errorf("sealing a refusal: %w", err)
	}
	encoded := base64.RawURLEncoding.EncodeToString(sealed)
	if len(encoded) > maxEncoded {
		return "", nil
	}
	return encoded, nil
}

// packers are kept, since making one costs more than a refusal.
var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(io.Discard, flate.DefaultCompression) // errs only at a level that does not exist
	return w
}}

func pack(text []byte) ([]byte, error) {
	var packed bytes.Buffer
	w := packers.Get().(*flate.Writer)
	defer packers.Put(w)
	w.Reset(&packed)
	_, err := w.Write(text)
	err = errors.Join(err, w.Close())
	return packed.Bytes(), err
}

// errMessage is the one answer to what is not a message for this account.
func errMessage() error {
	return wire.Errorf(sts.InvalidAuthorizationMessage, "Message is not valid")
}

// decodeRefusal opens a message for an account. One that was told to another
// account, or that is too old, is not valid.
func (e *Engine) decodeRefusal(encoded, account string, now time.Time) (*refusal, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(encoded) > maxEncoded {
		return nil, errMessage()
	}
	var packed seal.Secret
	if packed, err = e.cfg.Root.Open(messagePurpose, nil, sealed); err != nil {
		return nil, errMessage()
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed.Expose())), maxMessage))
	if err != nil {
		return nil, fmt.Errorf("unpacking a refusal: %w", err)
	}
	var r refusal
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("reading a refusal: %w", err)
	}
	if r.Account != account || now.Sub(r.Time) > messageLife {
		return nil, errMessage()
	}
	return &r, nil
}

// decodeAuthorizationMessage is the row of sts:DecodeAuthorizationMessage.
func decodeAuthorizationMessage() row {
	return define(Operation[sts.DecodeAuthorizationMessageInput, sts.DecodeAuthorizationMessageOutput]{
		Name: sts.DecodeAuthorizationMessage, Service: "sts", Effect: Reads,
		Checks: func(s *Scope, _ *sts.DecodeAuthorizationMessageInput) ([]Check, error) {
			return []Check{s.onNothing("sts:DecodeAuthorizationMessage", condition.Side{})}, nil
		},
		Run: func(_ context.Context, s *Scope, in *sts.DecodeAuthorizationMessageInput) (*sts.DecodeAuthorizationMessageOutput, error) {
			r, err := s.engine.decodeRefusal(in.EncodedMessage, s.Caller.Account, s.Now)
			if err != nil {
				return nil, err
			}
			text, err := json.Marshal(r)
			return &sts.DecodeAuthorizationMessageOutput{DecodedMessage: string(text)}, err
		},
	})
}
