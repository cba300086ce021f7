// Package sts is the Query protocol of AWS STS: inputs, answers, errors and session tokens.
package sts

import (
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/wire"
)

// Version is the only version of the API, as requests must name it.
const Version = "2011-06-15"

// The actions that this package reads and writes. What they do is the engine's.
const (
	AssumeRole                 = "AssumeRole"
	CreateForwardToken         = "CreateForwardToken" // not of AWS: see forward.go
	DecodeAuthorizationMessage = "DecodeAuthorizationMessage"
	GetCallerIdentity          = "GetCallerIdentity"
	GetSessionToken            = "GetSessionToken"
)

var readers = map[string]func(*params) any{
	AssumeRole:                 readAssumeRole,
	CreateForwardToken:         readCreateForwardToken,
	DecodeAuthorizationMessage: readDecodeAuthorizationMessage,
	GetCallerIdentity:          readGetCallerIdentity,
	GetSessionToken:            readGetSessionToken,
}

// Actions returns the names of the actions, sorted.
func Actions() []string { return slices.Sorted(maps.Keys(readers)) }

// Speaks reports whether r is in the Query protocol: a form that is posted, or
// a query string with an action.
func Speaks(r wire.Request) bool {
	if r.Path != "/" && r.Path != "" {
		return false
	}
	switch r.Method {
	case http.MethodGet:
		return strings.HasPrefix(r.RawQuery, "Action=") || strings.Contains(r.RawQuery, "&Action=")
	case http.MethodPost:
		sent := r.Header.Get("Content-Type")
		if sent == wire.ContentType {
			return false
		}
		t, _, err := mime.ParseMediaType(sent)
		return err == nil && t == "application/x-www-form-urlencoded"
	}
	return false
}

// Action returns the name of the action that r asks for, one of Actions. It is
// asked before the signature is verified and Decode after it.
func Action(r wire.Request) (string, *wire.Error) {
	values, err := parameters(r)
	if err != nil {
		return "", err
	}
	action, version := values.Get("Action"), values.Get("Version")
	switch {
	case action == "":
		return "", wire.Errorf(MissingAction, "The request names no action.")
	case version != Version:
		return "", wire.Errorf(NoSuchVersion, "The requested version (%.32s) of service AWSSecurityTokenService does not exist", version)
	case readers[action] == nil:
		return "", wire.Errorf(InvalidAction, "Could not find operation %.64s for version %s", action, Version)
	}
	return action, nil
}

// Decode returns the input of the action, as a pointer to its Input type. All
// constraints of the API reference are checked, and a parameter that the
// action does not have is refused: it might have been meant to limit.
func Decode(action string, r wire.Request) (any, *wire.Error) {
	read := readers[action]
	if read == nil {
		return nil, wire.Errorf(InvalidAction, "Could not find operation %.64s for version %s", action, Version)
	}
	values, err := parameters(r)
	if err != nil {
		return nil, err
	}
	p := &params{values: values}
	in := read(p)
	if err := p.finish(); err != nil {
		return nil, err
	}
	return in, nil
}

// parameters are those of the query string and of the form together. The
// signature covers both, so it does not matter where one stands, but none may
// stand twice.
func parameters(r wire.Request) (url.Values, *wire.Error) {
	all, err := url.ParseQuery(r.RawQuery)
	if err != nil {
		return nil, malformed("the query string cannot be read")
	}
	if r.Method == http.MethodPost {
		form, err := url.ParseQuery(string(r.Body))
		if err != nil {
			return nil, malformed("the form cannot be read")
		}
		for name, values := range form {
			all[name] = append(all[name], values...)
		}
	}
	for name, values := range all {
		if len(values) > 1 {
			return nil, malformed("the parameter '%.64s' occurs more than once", name)
		}
	}
	return all, nil
}

func malformed(format string, args ...any) *wire.Error {
	return wire.Errorf(MalformedInput, "The request is malformed: "+format+".", args...)
}
