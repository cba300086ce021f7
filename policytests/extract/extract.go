// Package extract finds the policies in files: policy documents, worlds, Terraform plans, CloudFormation templates and what the AWS CLI prints.
package extract

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/overlay"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Options say how files are read. The zero value is usable.
type Options struct {
	// Kind of every policy; the zero Kind lets name, place and content tell.
	Kind Kind
	// Stdin is read for the path "-".
	Stdin io.Reader
	// Account, Region and Partition of what a file leaves to its deployment
	// (AWS::AccountId and the like). Without them they have stand-ins, which a
	// policy's Notes name.
	Account, Region, Partition string
	// Read is told each file that is read, if it is not nil.
	Read func(file string)
	// Open tells of files that an editor holds; nil: none is.
	Open overlay.Texts
}

// A Kind is what may be linted: a kind of policy document, or grants. The zero
// value is no kind.
type Kind struct {
	// Policy is the kind of the document; zero for grants.
	Policy policy.Kind
	// Grants: it is a list of grants and no document.
	Grants bool
}

// String names the kind as --kind does.
func (k Kind) String() string {
	switch {
	case k.Grants:
		return "grants"
	case k.Policy.Valid():
		return k.Policy.String()
	}
	return "no kind"
}

// Found is what files hold, in the order of the paths and, below them, of
// names and places.
type Found struct {
	Policies []*Policy
	// Worlds are the paths of the worlds among the files.
	Worlds []string
	// Files counts the files that hold policies.
	Files int
	// Unsettled are places of policies that only a deployment decides: values
	// known after an apply, conditions of a template.
	Unsettled []Error
	// Notes are what was passed over in a directory though it might hold
	// policies: links to directories, and what cannot be read as a file.
	Notes []Error
	// Errors are the files, and parts of files, that could not be read. What
	// they hold is not among the others.
	Errors []Error
}

// A Policy is one policy document, or one list of grants, and where it stands.
type Policy struct {
	// File as people know it: the path as given, "-" for standard input.
	File string
	// Name of the policy within the file: aws_kms_key.payroll, role/payroll
	// use, Resources.Key.Properties.KeyPolicy. Empty if it is the whole file.
	Name string
	// World is the path of the world that the file belongs to, if any.
	World string
	// Account and Region that own it, Partition they are in; empty if unknown.
	Account, Region, Partition string
	// Key is what the file says of the key that it is about.
	Key KeyFacts
	// Kind of the document; zero for grants.
	Kind policy.Kind
	// Grants: the text is a list of grants as ListGrants answers it.
	Grants bool
	// Text of the document as JSON: the file's own bytes where they are JSON,
	// otherwise written anew.
	Text []byte
	// Unknown lists the parts that only a deployment decides; stand-ins are in
	// their place. What hangs on them cannot be decided.
	Unknown []Unknown
	// Notes say what stands in the place of something else, such as a stand-in
	// for an account id, or the default of a parameter.
	Notes []string
	// Generated: the file is the output of a program, so mending it in place
	// would change nothing.
	Generated bool

	source *Source
	marks  []segment
}

// KeyFacts are what a file tells of a key. Empty fields are unknown.
type KeyFacts struct {
	Name, Spec, Usage, Origin string
	Aliases                   []string
	AWSManaged, MultiRegion   bool
}

// An Unknown is a part of a document that the file does not settle.
type Unknown struct {
	// Start and End of the stand-in in Policy.Text.
	Start, End int
	// Message says what it is: "!ImportValue shared-key is known at deployment only".
	Message string
}

// An Error is a file, or a part of one, that could not be read.
type Error struct {
	File         string
	Line, Column int // from 1; 0: the file as a whole
	Offset       int // in bytes
	Message      string
}

// Error is "file:line:column: message".
func (e Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// names of kinds, as --kind and the middle of a file's name have them.
var names = map[string]Kind{
	"key": {Policy: policy.Key}, "iam": {Policy: policy.Identity}, "identity": {Policy: policy.Identity},
	"vpce": {Policy: policy.Endpoint}, "endpoint": {Policy: policy.Endpoint}, "scp": {Policy: policy.SCP}, "rcp": {Policy: policy.RCP},
	"boundary": {Policy: policy.Boundary}, "session": {Policy: policy.Session}, "trust": {Policy: policy.Trust}, "grants": {Grants: true},
}

// Kinds are the names of kinds that KindNamed knows, for messages and
// completion, without second names.
var Kinds = []string{"key", "identity", "endpoint", "scp", "rcp", "boundary", "session", "trust", "grants"}

// KindNamed is the kind that people call name.
func KindNamed(name string) (Kind, bool) {
	k, ok := names[strings.ToLower(name)]
	return k, ok
}

// KindOfFile tells a kind by the last but one part of a file's name:
// payroll.key.json.
func KindOfFile(name string) (Kind, bool) {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	parts := strings.Split(name, ".")
	if len(parts) < 3 {
		return Kind{}, false
	}
	return KindNamed(parts[len(parts)-2])
}

// sort puts what was found in one file in the order of its places.
func (f *Found) sort() {
	slices.SortStableFunc(f.Policies, func(a, b *Policy) int { return cmp.Compare(a.startOf(0), b.startOf(0)) })
}

// add takes over what was found elsewhere.
func (f *Found) add(other *Found) {
	f.Policies = append(f.Policies, other.Policies...)
	f.Worlds = append(f.Worlds, other.Worlds...)
	f.Files += other.Files
	f.Unsettled = append(f.Unsettled, other.Unsettled...)
	f.Notes = append(f.Notes, other.Notes...)
	f.Errors = append(f.Errors, other.Errors...)
}

func (f *Found) empty() bool { return len(f.Policies)+len(f.Unsettled)+len(f.Errors) == 0 }
