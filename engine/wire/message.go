// Package wire is the AWS JSON 1.1 protocol of AWS KMS: shapes, constraints, error codes, encoding.
package wire

import (
	"fmt"
	"io"
	"log/slog"
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
	RemoteIP   netip.Addr  // client: peer of the connection or as a trusted proxy says, unmapped; invalid if there is none
	RemotePort uint16      // port of the client; 0 if it has none
	Network    Network     // how the connection came in
	TLS        *TLSDetails // nil without TLS
	Received   time.Time
}

// A Network is what the server knows of the way that a connection came in.
// Nothing in it is the word of the client.
type Network struct {
	Listener string     // name of the listener; empty for the public one
	Peer     netip.Addr // at the other end of the connection, unmapped: the client or a proxy
	Proxied  bool       // the connection began with a PROXY protocol header
	Endpoint string     // VPC endpoint that the header named; empty if none
}

// String names the request, and shows neither body nor credentials.
func (r Request) String() string {
	return fmt.Sprintf("request %s (%s, %d bytes)", r.ID, r.Method, len(r.Body))
}

// Format names the request, and shows neither body nor credentials.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) } // best effort

// LogValue names the request, and shows neither body nor credentials.
func (r Request) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalJSON names the request, and shows neither body nor credentials.
func (r Request) MarshalJSON() ([]byte, error) { return []byte(quote(r.String())), nil }

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

// String names the response, and does not show its body.
func (r Response) String() string {
	return fmt.Sprintf("response %d (%d bytes)", r.Status, len(r.Body))
}

// Format names the response, and does not show its body.
func (r Response) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) } // best effort

// LogValue names the response, and does not show its body.
func (r Response) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalJSON names the response, and does not show its body.
func (r Response) MarshalJSON() ([]byte, error) { return []byte(quote(r.String())), nil }
