package audit

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/keyreeve/keyreeve/engine/jsontext"
)

// JSON is the record as one line, without the line feed: what encoding/json
// makes of the tags of Event.
func (e Event) JSON() ([]byte, error) {
	o := jsontext.Begin(make([]byte, 0, 1024))
	o.String("eventVersion", e.EventVersion)
	o.Raw("userIdentity", e.UserIdentity)
	o.String("eventTime", e.EventTime)
	o.String("eventSource", e.EventSource)
	o.String("eventName", e.EventName)
	o.String("awsRegion", e.AWSRegion)
	o.String("sourceIPAddress", e.SourceIPAddress)
	o.Some("userAgent", e.UserAgent)
	o.Some("errorCode", e.ErrorCode)
	o.Some("errorMessage", e.ErrorMessage)
	o.Raw("requestParameters", e.RequestParameters)
	o.Raw("responseElements", e.ResponseElements)
	if e.AdditionalEventData != nil {
		if err := plain(&o, "additionalEventData", e.AdditionalEventData); err != nil {
			return nil, fmt.Errorf("encoding the record of %s: %w", e.EventName, err)
		}
	}
	o.Some("requestID", e.RequestID)
	o.String("eventID", e.EventID)
	o.Bool("readOnly", e.ReadOnly)
	if e.Resources != nil {
		o.Value(appendResources(o.Name("resources"), e.Resources))
	}
	o.String("eventType", e.EventType)
	o.Bool("managementEvent", e.ManagementEvent)
	o.String("recipientAccountId", e.RecipientAccountID)
	if e.ServiceEventDetails != nil {
		if err := plain(&o, "serviceEventDetails", e.ServiceEventDetails); err != nil {
			return nil, fmt.Errorf("encoding the record of %s: %w", e.EventName, err)
		}
	}
	o.Some("sharedEventID", e.SharedEventID)
	o.Some("vpcEndpointId", e.VPCEndpointID)
	o.String("eventCategory", e.EventCategory)
	if e.TLSDetails != nil {
		o.Value(e.TLSDetails.appendTo(o.Name("tlsDetails")))
	}
	return o.End(), nil
}

// plain appends a member that few records have.
func plain(o *jsontext.Object, name string, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	o.Raw(name, bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return nil
}

func appendResources(b []byte, list []Resource) []byte {
	b = append(b, '[')
	for i, r := range list {
		if i > 0 {
			b = append(b, ',')
		}
		o := jsontext.Begin(b)
		o.String("accountId", r.AccountID)
		o.String("type", r.Type)
		o.String("ARN", r.ARN)
		b = o.End()
	}
	return append(b, ']')
}

func (t *TLS) appendTo(b []byte) []byte {
	o := jsontext.Begin(b)
	o.String("tlsVersion", t.Version)
	o.String("cipherSuite", t.CipherSuite)
	o.Some("clientProvidedHostHeader", t.Host)
	o.Some("keyExchange", t.KeyExchange)
	return o.End()
}
