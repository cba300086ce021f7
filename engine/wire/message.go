// Package wire is the AWS JSON 1.1 protocol of AWS KMS: shapes, constraints, error codes, encoding.
package wire

import (
	"net/http"
	"net/netip"
	"time"
)

// MaxBody is the largest request body that is read, in bytes. The largest input
// that the model can describe, a policy of 128 KiB beside 262,144 bytes of
// attestation in base64, stays well below it.
const MaxBody = 1 << 20

// ContentType is that of every request and answer of AWS JSON 1.1.
const ContentType = "application/x-amz-json-1.1"

// RequestIDHeader carries the id of a call in its answer. The key is in
// canonical form, so that it may index an http.Header.
const RequestIDHeader = "X-Amzn-Requestid"

// A Request is an HTTP request, free of the server that received it. It is not
// changed after it was made, so it is safe for concurrent use.
type Request struct {
	ID         string // the request id, a UUID; every answer names it
	Method     string
	Path       string // escaped, as the client sent it
	RawQuery   string
	Host       string // Host header, or :authority
	Header     http.Header
	Body       []byte
	RemoteIP   netip.Addr  // peer of the connection, unmapped; invalid if it has none
	RemotePort uint16      // port of the peer; 0 if it has none
	TLS        *TLSDetails // nil without TLS
	Received   time.Time
}

// TLSDetails are the facts about a connection that CloudTrail records as tlsDetails.
type TLSDetails struct {
	Version     string // "TLSv1.2" or "TLSv1.3"
	CipherSuite string // in OpenSSL's spelling
	Group       string // key exchange group, as "X25519MLKEM768"
	Host        string // host header that the client sent
	ServerName  string // SNI; a claim of the client, never evidence
}

// A Response is an HTTP response, free of the server that sends it.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}
