// Package audit makes the records of calls, in the shape of AWS CloudTrail.
//
// It is pure: [Build] turns the facts of one call into its records, and the
// engine stores them. What a record shows of a request and of its answer
// stands in one table (table.go); what is not in the table is never recorded.
package audit

import (
	"encoding/json"
	"time"
)

// An Event is one record, in one account's log. Guide, "Logging AWS KMS API
// calls with AWS CloudTrail"; requirements CT-020 to CT-042.
type Event struct {
	EventVersion        string          `json:"eventVersion"`
	UserIdentity        json.RawMessage `json:"userIdentity"`
	EventTime           string          `json:"eventTime"`
	EventSource         string          `json:"eventSource"`
	EventName           string          `json:"eventName"`
	AWSRegion           string          `json:"awsRegion"`
	SourceIPAddress     string          `json:"sourceIPAddress"`
	UserAgent           string          `json:"userAgent,omitempty"`
	ErrorCode           string          `json:"errorCode,omitempty"`
	ErrorMessage        string          `json:"errorMessage,omitempty"`
	RequestParameters   json.RawMessage `json:"requestParameters"` // null if nil, as ResponseElements
	ResponseElements    json.RawMessage `json:"responseElements"`
	AdditionalEventData *Additional     `json:"additionalEventData,omitempty"`
	RequestID           string          `json:"requestID,omitempty"`
	EventID             string          `json:"eventID"`
	ReadOnly            bool            `json:"readOnly"`
	Resources           []Resource      `json:"resources,omitzero"` // absent if nil, [] if empty
	EventType           string          `json:"eventType"`
	ManagementEvent     bool            `json:"managementEvent"`
	RecipientAccountID  string          `json:"recipientAccountId"`
	ServiceEventDetails *ServiceDetails `json:"serviceEventDetails,omitempty"`
	SharedEventID       string          `json:"sharedEventID,omitempty"`
	VPCEndpointID       string          `json:"vpcEndpointId,omitempty"`
	EventCategory       string          `json:"eventCategory"`
	TLSDetails          *TLS            `json:"tlsDetails,omitempty"`
}

// A Resource is something that a call touched.
type Resource struct {
	AccountID string `json:"accountId"`
	Type      string `json:"type"`
	ARN       string `json:"ARN"`
}

// Additional is additionalEventData: what the request does not say (CT-063,
// CT-064). Empty members are left out.
type Additional struct {
	CustomKeyStoreID          string     `json:"customKeyStoreId,omitempty"`
	CustomKeyStoreName        string     `json:"customKeyStoreName,omitempty"`
	ClusterID                 string     `json:"clusterId,omitempty"`
	XksKeyID                  string     `json:"xksKeyId,omitempty"`
	BackingKey                string     `json:"backingKey,omitempty"`  // JSON in a string, as the next two
	BackingKeys               string     `json:"backingKeys,omitempty"` // a list
	BackingKeysDeletionStatus string     `json:"backingKeysDeletionStatus,omitempty"`
	GrantID                   string     `json:"grantId,omitempty"` // of RetireGrant
	Recipient                 *Recipient `json:"recipient,omitempty"`

	// Authorization is what the caller may see of the decisions' evidence
	// it stands in the caller's own record only. This member is ours.
	Authorization json.RawMessage `json:"authorization,omitempty"`
}

func (a *Additional) empty() bool {
	return a.CustomKeyStoreID+a.CustomKeyStoreName+a.ClusterID+a.XksKeyID+a.BackingKey+a.BackingKeys+a.BackingKeysDeletionStatus+a.GrantID == "" &&
		a.Recipient == nil && a.Authorization == nil
}

// A Recipient tells which enclave a plaintext was encrypted for, by a valid
// attestation document: exactly these PCRs (CT-064).
type Recipient struct {
	ModuleID    string `json:"attestationDocumentModuleId"`
	ImageDigest string `json:"attestationDocumentEnclaveImageDigest"` // PCR0
	PCR1        string `json:"attestationDocumentEnclavePCR1"`
	PCR2        string `json:"attestationDocumentEnclavePCR2"`
	PCR3        string `json:"attestationDocumentEnclavePCR3"`
	PCR4        string `json:"attestationDocumentEnclavePCR4"`
	PCR8        string `json:"attestationDocumentEnclavePCR8"`
}

// ServiceDetails belong to what the service does on its own (CT-037).
type ServiceDetails struct {
	RotationType string `json:"rotationType,omitempty"` // AUTOMATIC or ON_DEMAND
	KeyID        string `json:"keyId"`                  // not the ARN
}

// TLS are the facts of the connection; cipher suites have OpenSSL's names.
type TLS struct {
	Version     string `json:"tlsVersion"`
	CipherSuite string `json:"cipherSuite"`
	Host        string `json:"clientProvidedHostHeader,omitempty"`
	KeyExchange string `json:"keyExchange,omitempty"`
}

const (
	eventVersion = "1.08"
	category     = "Management"
	apiCall      = "AwsApiCall"
	serviceEvent = "AwsServiceEvent"
)

// stamp is the form of eventTime and creationDate.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
