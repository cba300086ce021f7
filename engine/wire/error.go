package wire

import (
	"errors"
	"fmt"
	"net/http"
)

// A Code names an error to clients; it is the __type of the answer. The codes
// of the model are constants in codes.gen.go, those that every AWS service may
// give in codes.go.
type Code string

// An Error is an answer that the client may read. It is made where the broken
// rule is known and never changed afterwards. Message is empty where the real
// service sends none.
type Error struct {
	Code    Code
	Message string
	Cause   error // for the log of the operator only; never sent

	// unread marks a request whose protocol was not recognised: the service
	// answers such a one in XML and with 404.
	unread bool
}

// Errorf makes the Error with code c and a formatted message. The message must
// hold no plaintext, key material, token or policy text.
func Errorf(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}

// Internal makes the Error for a fault of ours. The client learns nothing of
// cause.
func Internal(cause error) *Error {
	return &Error{Code: KMSInternal, Message: "The request was rejected because of an internal fault; it can be sent again.", Cause: cause}
}

// AsError returns err if it is an Error, or Internal(err): what is not meant
// for clients does not reach them. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Internal(err)
}

// Error returns code and message.
func (e *Error) Error() string {
	if e.Message == "" {
		return string(e.Code)
	}
	return string(e.Code) + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Status returns the HTTP status of the error: that of its code, 400 for codes
// that other packages made, 500 without a code.
func (e *Error) Status() int {
	switch {
	case e.unread:
		return http.StatusNotFound
	case e.Code == "":
		return http.StatusInternalServerError
	}
	if s, ok := statuses[e.Code]; ok {
		return s
	}
	return http.StatusBadRequest
}

// EncodeError returns the answer for e. The real service sends no
// x-amzn-ErrorType header in this protocol, and leaves out an empty message.
func EncodeError(e *Error, requestID string) Response {
	if e.unread {
		return respond(e.Status(), "text/xml", requestID, []byte("<"+string(e.Code)+"/>\n"))
	}
	code := e.Code
	if code == "" {
		code = KMSInternal
	}
	b := append([]byte(`{"__type":`), quote(string(code))...)
	if e.Message != "" {
		b = append(append(b, `,"message":`...), quote(e.Message)...)
	}
	return respond(e.Status(), ContentType, requestID, append(b, '}'))
}

// Respond returns the answer of a successful call: body is what Encode returned.
func Respond(body []byte, requestID string) Response {
	return respond(http.StatusOK, ContentType, requestID, body)
}

func respond(status int, contentType, requestID string, body []byte) Response {
	h, values := make(http.Header, 3), []string{contentType, requestID}
	h["Content-Type"], h[RequestIDHeader] = values[:1:1], values[1:]
	return Response{Status: status, Header: h, Body: body}
}
