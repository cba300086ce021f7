// Package caseline reads case lines: who may, or may not, do what to which
// resource, when and how. policytests/GRAMMAR.md is their grammar.
package caseline

import (
	"fmt"
	"strings"
	"time"
)

// A Kind is what a case expects. The zero value is invalid.
type Kind int

// The kinds of cases. Text expects a refusal with a certain sentence; Accept
// and Refuse are about documents. Only, Nobody, No and Else are assertions
// about all requests of a kind: only these principals may, nobody may, no
// public access, and all that the other lines do not allow is denied.
const (
	Allow Kind = iota + 1
	Deny
	Text
	Accept
	Refuse
	Only
	Nobody
	No
	Else
)

var kinds = map[string]Kind{
	"allow": Allow, "deny": Deny, "text": Text, "accept": Accept, "refuse": Refuse,
	"only": Only, "nobody": Nobody, "no": No, "else": Else,
}

// beginnings are the words that a line can begin with.
var beginnings = []string{
	"allow", "deny", "text", "accept", "refuse", "only", "nobody", "no", "else", "table", "given", "account", "region", "at",
}

// String returns the word that a line of this kind begins with.
func (k Kind) String() string {
	for word, kind := range kinds {
		if k == kind {
			return word
		}
	}
	return "invalid"
}

// Documents tells whether cases of this kind are about documents.
func (k Kind) Documents() bool { return k == Accept || k == Refuse }

// Assertion tells whether cases of this kind are about all requests of a kind.
func (k Kind) Assertion() bool { return k == Only || k == Nobody || k == No || k == Else }

// A Pos is a place in a file, both counted from 1; columns are bytes.
type Pos struct{ Line, Column int }

// A Word is a name as it stands in a line, without its quotes.
type Word struct {
	Text   string
	Quoted bool // some of it
	Pos    Pos
	// Standing: a given line says it, for all requests that can be about it.
	Standing bool
}

// A Pair is a condition key, or a tag, with its values.
type Pair struct {
	Key      string
	Values   []string
	List     bool // written in brackets
	Pos      Pos
	Standing bool // as in Word
}

// A Case is one line, or one cell of a table.
type Case struct {
	Kind  Kind
	Pos   Pos
	Text  string   // as written, on one line; of a cell, the line that says the same
	Title string   // the first comment line above its group
	Tags  []string // ids that its group's comment begins with, and its own
	Group int      // number of its group in the file

	Request  Request  // all but Accept and Refuse; the principals of Only are those that may
	Document Document // Accept, Refuse
	Because  []Word   // each must be true of the answer
	Says     *Word    // the sentence of the refusal
	Access   Access   // No
	Whole    bool     // Else: speaks of the file, not only of its group
	Given    []Given  // what the world holds besides, in the order of the lines
}

// An Access is what a No says that there is none of.
type Access struct {
	To     Word   // public, cross-account
	Except []Word // accounts that may have it
}

// A Request is what is asked. More than one principal, action or resource ask
// about each combination.
type Request struct {
	Principals, Actions, Resources []Word

	Keys   []Pair // condition keys that the request brings
	Absent []Word // condition keys that it lacks

	Account Word      // in which unqualified names are looked up; empty: where there is only one such name
	Region  Word      // empty: that of the resource, or the world's first
	At      time.Time // zero: the runner's
	Session Session

	Endpoint Word   // VPC endpoint that the request comes through
	Services []Word // that make the request for the principal, the first asked first
	Grants   []Word // grants that the request names, by token or by id
}

// A Session is what temporary credentials bring.
type Session struct {
	Given          bool   // any of this is
	Standing       bool   // by a given line, for all principals that can have it
	Name           Word   // empty: "session"
	Policies       []Word // session policies: files
	Tags           []Pair
	SourceIdentity Word
	MFA            MFA
}

// An MFA says whether and when a session was begun with MFA.
type MFA struct {
	Given   bool
	Present bool
	Age     time.Duration
}

// A Document is a policy, or a grant, that is to be taken or refused.
type Document struct {
	Kind    Word // key-policy, iam-policy, …
	File    Word
	By      Word // the caller; empty: nobody
	On      Word // the key; empty: a new one
	Account Word // as in Request
	Bypass  bool // of the lockout safety check
}

// A File is a parsed file of cases.
type File struct {
	Name  string
	Cases []Case
}

// An Error says what is wrong with a line.
type Error struct {
	File    string
	Pos     Pos
	Message string
	// Missing is what should stand where the line ends: "principal", "action",
	// "Region", …; empty if something is wrong.
	Missing string
}

// Error gives place and message on one line.
func (e Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Pos.Line, e.Pos.Column, e.Message)
}

// Errors are all faults of a file in the order of their places.
type Errors []Error

// Error lists every fault, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}
