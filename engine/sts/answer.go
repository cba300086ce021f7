package sts

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// The codes of STS that AWS KMS does not have. Those that both have stand in
// package wire in KMS's spelling, and EncodeError translates them.
const (
	InvalidAction               wire.Code = "InvalidAction"
	InvalidAuthorizationMessage wire.Code = "InvalidAuthorizationMessageException"
	InvalidParameterValue       wire.Code = "InvalidParameterValue"
	MalformedInput              wire.Code = "MalformedInput"
	MissingAction               wire.Code = "MissingAction"
	NoSuchVersion               wire.Code = "NoSuchVersion"
	PackedPolicyTooLarge        wire.Code = "PackedPolicyTooLarge"
	RegionDisabled              wire.Code = "RegionDisabledException"
	ValidationError             wire.Code = "ValidationError"
)

// errorForm is how an error looks in STS.
type errorForm struct {
	code   wire.Code
	status int
}

// forms has the codes whose spelling or HTTP status is not that of package
// wire. STS API reference, common errors.
var forms = map[wire.Code]errorForm{
	wire.AccessDenied:               {"AccessDenied", http.StatusForbidden},
	wire.ExpiredToken:               {"ExpiredToken", http.StatusForbidden},
	wire.IncompleteSignature:        {"IncompleteSignature", http.StatusBadRequest},
	wire.InternalFailure:            {"InternalFailure", http.StatusInternalServerError},
	wire.InvalidSignature:           {"SignatureDoesNotMatch", http.StatusForbidden},
	wire.KMSInternal:                {"InternalFailure", http.StatusInternalServerError},
	wire.MalformedPolicyDocument:    {"MalformedPolicyDocument", http.StatusBadRequest},
	wire.MissingAuthenticationToken: {"MissingAuthenticationToken", http.StatusForbidden},
	wire.RequestEntityTooLarge:      {"RequestEntityTooLarge", http.StatusRequestEntityTooLarge},
	wire.ServiceUnavailable:         {"ServiceUnavailable", http.StatusServiceUnavailable},
	wire.Throttling:                 {"Throttling", http.StatusBadRequest},
	wire.UnknownOperation:           {InvalidAction, http.StatusBadRequest},
	wire.UnrecognizedClient:         {"InvalidClientTokenId", http.StatusForbidden},
	wire.Validation:                 {ValidationError, http.StatusBadRequest},
	InvalidAuthorizationMessage:     {InvalidAuthorizationMessage, http.StatusBadRequest},
	RegionDisabled:                  {RegionDisabled, http.StatusForbidden},
}

// Credentials are what a session signs with.
type Credentials struct {
	AccessKeyID  string
	SecretKey    seal.Secret
	SessionToken seal.Secret
	Expires      time.Time

	// PackedSize is the size of the token in percent of the largest allowed.
	PackedSize int
}

// An AssumeRoleOutput answers AssumeRole.
type AssumeRoleOutput struct {
	AssumedRoleARN string // arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
	AssumedRoleID  string // unique id of the role ":" session name
	Credentials    Credentials
	Packed         bool // whether to tell PackedSize: session policies or tags were sent
	SourceIdentity string
}

// A GetSessionTokenOutput answers GetSessionToken.
type GetSessionTokenOutput struct{ Credentials Credentials }

// A GetCallerIdentityOutput answers GetCallerIdentity.
type GetCallerIdentityOutput struct{ ARN, UserID, Account string }

// A DecodeAuthorizationMessageOutput answers DecodeAuthorizationMessage.
type DecodeAuthorizationMessageOutput struct{ DecodedMessage string }

// A CreateForwardTokenOutput answers CreateForwardToken.
type CreateForwardTokenOutput struct {
	ForwardToken seal.Secret
	Expires      time.Time
}

type credentialsXML struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

func (c Credentials) xml() credentialsXML {
	return credentialsXML{
		AccessKeyID:     c.AccessKeyID,
		SecretAccessKey: string(c.SecretKey.Expose()),
		SessionToken:    string(c.SessionToken.Expose()),
		Expiration:      c.Expires.UTC().Format(time.RFC3339),
	}
}

type assumeRoleXML struct {
	SourceIdentity string `xml:",omitempty"`
	AssumedRole    struct {
		ARN string `xml:"Arn"`
		ID  string `xml:"AssumedRoleId"`
	} `xml:"AssumedRoleUser"`
	Credentials credentialsXML
	PackedSize  *int `xml:"PackedPolicySize"`
}

// result returns the action that out answers, and its XML shape.
func result(out any) (action string, view any, err error) {
	switch out := out.(type) {
	case *AssumeRoleOutput:
		v := assumeRoleXML{SourceIdentity: out.SourceIdentity, Credentials: out.Credentials.xml()}
		v.AssumedRole.ARN, v.AssumedRole.ID = out.AssumedRoleARN, out.AssumedRoleID
		if out.Packed {
			v.PackedSize = &out.Credentials.PackedSize
		}
		return AssumeRole, v, nil
	case *GetSessionTokenOutput:
		return GetSessionToken, struct{ Credentials credentialsXML }{out.Credentials.xml()}, nil
	case *GetCallerIdentityOutput:
		return GetCallerIdentity, struct{ Arn, UserId, Account string }{out.ARN, out.UserID, out.Account}, nil
	case *DecodeAuthorizationMessageOutput:
		return DecodeAuthorizationMessage, *out, nil
	case *CreateForwardTokenOutput:
		view := struct{ ForwardToken, Expiration string }{string(out.ForwardToken.Expose()), out.Expires.UTC().Format(time.RFC3339)}
		return CreateForwardToken, view, nil
	default:
		return "", nil, fmt.Errorf("sts: %T is not the output of an action", out)
	}
}

// Encode returns the answer of a successful call; out is a pointer to one of
// the Output types.
func Encode(out any, requestID string) (wire.Response, error) {
	action, view, err := result(out)
	if err != nil {
		return wire.Response{}, err
	}
	var b bytes.Buffer
	enc := xml.NewEncoder(&b)
	enc.Indent("", "  ")
	root := xml.StartElement{Name: xml.Name{Local: action + "Response"}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}}}
	metadata := struct {
		RequestID string `xml:"RequestId"`
	}{requestID}
	for _, err := range []error{
		enc.EncodeToken(root),
		enc.EncodeElement(view, xml.StartElement{Name: xml.Name{Local: action + "Result"}}),
		enc.EncodeElement(metadata, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}),
		enc.EncodeToken(root.End()),
		enc.Close(),
	} {
		if err != nil {
			return wire.Response{}, fmt.Errorf("encoding the answer of %s: %w", action, err)
		}
	}
	return respond(http.StatusOK, b.Bytes(), requestID), nil
}

// EncodeError returns the answer for e, in STS's spelling.
func EncodeError(e *wire.Error, requestID string) wire.Response {
	form, ok := forms[e.Code]
	if !ok {
		form = errorForm{e.Code, e.Status()}
	}
	fault := "Sender"
	if form.status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<ErrorResponse xmlns=%q>\n  <Error>\n    <Type>%s</Type>\n    <Code>", namespace, fault)
	_ = xml.EscapeText(&b, []byte(form.code)) // a Buffer's Write has no error to report, here and below
	b.WriteString("</Code>\n    <Message>")
	_ = xml.EscapeText(&b, []byte(e.Message))
	b.WriteString("</Message>\n  </Error>\n  <RequestId>")
	_ = xml.EscapeText(&b, []byte(requestID))
	b.WriteString("</RequestId>\n</ErrorResponse>\n")
	return respond(form.status, b.Bytes(), requestID)
}

func respond(status int, body []byte, requestID string) wire.Response {
	return wire.Response{
		Status: status,
		Header: http.Header{"Content-Type": {"text/xml"}, wire.RequestIDHeader: {requestID}},
		Body:   body,
	}
}
