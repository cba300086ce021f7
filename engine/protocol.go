package engine

import (
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// A protocol is how one service is spoken to on the wire.
type protocol struct {
	service   string // scope of the signature
	source    string // eventSource of the records
	operation func(wire.Request) (string, error)
	decode    func(operation string, r wire.Request) (any, error)
	answer    func(operation string, out any, requestID string) (wire.Response, error)
	fail      func(e *wire.Error, requestID string) wire.Response
}

// protocolOf tells the service that a request speaks to: STS by its form or
// query string, AWS KMS all others.
func protocolOf(r wire.Request) protocol {
	if sts.Speaks(r) {
		return query
	}
	return json11
}

var json11 = protocol{
	service: "kms",
	source:  "kms.amazonaws.com",
	operation: func(r wire.Request) (string, error) {
		name, err := wire.Target(r)
		return name, orNil(err)
	},
	decode: func(operation string, r wire.Request) (any, error) {
		in, err := wire.Decode(operation, r.Body)
		return in, orNil(err)
	},
	answer: func(_ string, out any, requestID string) (wire.Response, error) {
		body, err := wire.Encode(out)
		return wire.Respond(body, requestID), err
	},
	fail: wire.EncodeError,
}

var query = protocol{
	service: "sts",
	source:  "sts.amazonaws.com",
	operation: func(r wire.Request) (string, error) {
		name, err := sts.Action(r)
		return name, orNil(err)
	},
	decode: func(operation string, r wire.Request) (any, error) {
		in, err := sts.Decode(operation, r)
		return in, orNil(err)
	},
	answer: func(_ string, out any, requestID string) (wire.Response, error) { return sts.Encode(out, requestID) },
	fail:   sts.EncodeError,
}

// orNil keeps a nil *wire.Error from becoming an error that is not nil.
func orNil(err *wire.Error) error {
	if err == nil {
		return nil
	}
	return err
}
