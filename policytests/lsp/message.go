package lsp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// A message is a request, a notification (without id) or a response (without
// method) of JSON-RPC 2.0.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

// An rpcError is what a request is answered with that cannot be served.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return e.Message }

// Codes of JSON-RPC and of the language server protocol.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeNoMethod       = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603
	codeNotInitialized = -32002
	codeCancelled      = -32800
)

// decode reads a message. The error is an *rpcError.
func decode(body []byte) (message, error) {
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return m, &rpcError{codeParse, "this is no message of JSON-RPC: " + err.Error()}
	}
	if m.Version != "2.0" {
		return m, &rpcError{codeInvalidRequest, "the version of JSON-RPC is 2.0"}
	}
	if len(m.ID) > 0 && !isID(m.ID) {
		m.ID = nil
		return m, &rpcError{codeInvalidRequest, "the id of a request is a text or a number"}
	}
	return m, nil
}

// isID tells whether an id may be that of a request; it is sent back as it
// came.
func isID(id json.RawMessage) bool {
	const longest = 1024
	return len(id) <= longest && (id[0] == '"' || id[0] == '-' || id[0] >= '0' && id[0] <= '9')
}

// decodeParams reads the parameters of a method.
func decodeParams(m message, to any) error {
	if len(bytes.TrimSpace(m.Params)) == 0 {
		return &rpcError{codeInvalidParams, m.Method + " needs parameters"}
	}
	if err := json.Unmarshal(m.Params, to); err != nil {
		return &rpcError{codeInvalidParams, fmt.Sprintf("the parameters of %s are wrong: %v", m.Method, err)}
	}
	return nil
}

// answer is the response to a request.
func answer(id json.RawMessage, result any, err error) message {
	m := message{Version: "2.0", ID: id}
	if err == nil {
		m.Result, err = json.Marshal(result)
	}
	if err == nil {
		return m
	}
	if !errors.As(err, &m.Error) {
		m.Error = &rpcError{codeInternal, err.Error()}
	}
	if len(id) == 0 {
		m.ID = json.RawMessage("null")
	}
	return m
}
