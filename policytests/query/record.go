package query

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/question"
)

// A Source is a kind of record. The zero value is invalid.
type Source string

// The kinds of records.
const (
	FromEvent    Source = "event"    // CloudTrail's, or ours
	FromDecision Source = "decision" // a line of a decision log
	FromQuestion Source = "question" // self-contained: engine/question
)

// A Record is what a log says of a request, or a question that holds all that
// decides it.
type Record struct {
	Source Source
	ID     string
	Time   time.Time // zero: not said

	event    *event
	line     *logLine
	question *question.Question
}

// maxRecords bounds what Records reads, in bytes.
const maxRecords = 256 << 20

// Records reads JSON values one after the other: audit events of CloudTrail or
// ours, files and answers of CloudTrail that hold several, lines of decision
// logs, self-contained questions. What it does not know is an error.
func Records(in io.Reader) ([]Record, error) {
	dec := json.NewDecoder(io.LimitReader(in, maxRecords))
	var all []Record
	for n := 1; ; n++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("record %d is no JSON: %w", n, err)
		}
		found, err := recordsIn(raw)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", n, err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no record in it")
	}
	return all, nil
}

// recordsIn tells the kinds of records apart by the fields that only they have.
func recordsIn(raw json.RawMessage) ([]Record, error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return several(list)
	}
	var fields struct {
		Records    []json.RawMessage // a file of CloudTrail
		Events     []struct{ CloudTrailEvent string }
		EventName  *string          `json:"eventName"`
		DecisionID *string          `json:"decision_id"`
		Rule       *string          `json:"rule"`
		Policies   *json.RawMessage `json:"policies"`
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, fmt.Errorf("it is no object: %w", err)
	}
	switch {
	case fields.EventName != nil:
		return one(raw, &event{}, func(e *event) Record {
			return Record{Source: FromEvent, ID: e.EventID, Time: e.EventTime, event: e}
		})
	case fields.DecisionID != nil:
		return one(raw, &logLine{}, func(l *logLine) Record {
			return Record{Source: FromDecision, ID: l.DecisionID, Time: l.Timestamp, line: l}
		})
	case fields.Rule != nil && fields.Policies != nil:
		return one(raw, &question.Question{}, func(q *question.Question) Record {
			return Record{Source: FromQuestion, ID: q.ID, question: q}
		})
	case fields.Records != nil:
		return several(fields.Records)
	case fields.Events != nil:
		var texts []json.RawMessage
		for _, e := range fields.Events {
			texts = append(texts, json.RawMessage(e.CloudTrailEvent))
		}
		return several(texts)
	}
	return nil, errors.New("it is no audit event, no line of a decision log and no question")
}

func several(list []json.RawMessage) ([]Record, error) {
	var all []Record
	for i, raw := range list {
		found, err := recordsIn(raw)
		if err != nil {
			return nil, fmt.Errorf("%d in the list: %w", i+1, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func one[T any](raw json.RawMessage, v T, as func(T) Record) ([]Record, error) {
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, err
	}
	return []Record{as(v)}, nil
}

// An event is what CloudTrail tells of a call, as far as it is needed.
type event struct {
	UserIdentity struct {
		Type, ARN, InvokedBy string
		PrincipalID          string `json:"principalId"`
		AccountID            string `json:"accountId"`
		SessionContext       *struct {
			SourceIdentity string
			Attributes     struct {
				CreationDate     time.Time
				MFAAuthenticated string `json:"mfaAuthenticated"`
			}
		}
	}
	EventTime           time.Time
	EventSource         string
	EventName           string
	EventType           string
	AWSRegion           string `json:"awsRegion"`
	SourceIPAddress     string `json:"sourceIPAddress"`
	UserAgent           string
	ErrorCode           string
	ErrorMessage        string
	RequestParameters   map[string]any
	AdditionalEventData struct {
		GrantID string `json:"grantId"`
	}
	EventID       string `json:"eventID"`
	Resources     []struct{ ARN, Type string }
	VPCEndpointID string `json:"vpcEndpointId"`
}

// A logLine is a line of a decision log: engine/decisionlog.
type logLine struct {
	DecisionID string `json:"decision_id"`
	Timestamp  time.Time
	Path       string
	Bundles    map[string]struct{ Revision string }
	Custom     struct {
		RequestID string `json:"request_id"`
		Operation string `json:"operation"`
	}
	Masked, Erased []string
	Input          struct {
		Action            string
		Principal         struct{ Type decision.PrincipalType }
		Resource          struct{ ARN string }
		Context           map[string][]string
		EncryptionContext map[string]string `json:"encryption_context"`
		Policies          map[string][][]string
		Grants            []struct{ ID string }
		Child             *struct {
			Operations     []string
			Equals, Subset map[string]string
		}
	}
	Result decision.Evidence
}
