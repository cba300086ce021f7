// Package lifecycle is the key state machine: what a key in its state, of its
// type, may do.
package lifecycle

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// A State is a key state of the API. The zero value is invalid.
// Guide, "Key states of AWS KMS keys".
type State string

// The key states, spelled as on the wire.
const (
	Enabled                State = "Enabled"
	Disabled               State = "Disabled"
	PendingDeletion        State = "PendingDeletion"
	PendingReplicaDeletion State = "PendingReplicaDeletion"
	PendingImport          State = "PendingImport"
	Unavailable            State = "Unavailable"
	Creating               State = "Creating"
	Updating               State = "Updating"
)

//go:embed states.tsv
var statesTSV string

// A fault is one way in which a state forbids an operation. Its text goes
// behind the key ARN.
type fault struct {
	code wire.Code
	text string
}

var faults = map[string]fault{
	"disabled":    {wire.Disabled, " is disabled."},
	"notDeleting": {wire.KMSInvalidState, " is not pending deletion."},
	"import":      {wire.KMSInvalidState, " is pending import."},
	"unavailable": {wire.KMSInvalidState, " is unavailable."},
	"creating":    {wire.KMSInvalidState, " is creating."},
	"updating":    {wire.KMSInvalidState, " is updating."},
}

// deleting is the fault of a key on its way out; the text names which way.
var deleting = map[State]fault{
	PendingDeletion:        {wire.KMSInvalidState, " is pending deletion."},
	PendingReplicaDeletion: {wire.KMSInvalidState, " is pending replica deletion."},
}

// A Table says which operation each state permits. Safe for concurrent use.
type Table struct {
	rows map[string]map[State]string
}

// NewTable reads the table that this package ships. It errs only if the
// table itself is broken.
func NewTable() (*Table, error) {
	t := &Table{rows: map[string]map[State]string{}}
	var states []State
	for line := range strings.Lines(statesTSV) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "\t")
		if states == nil {
			for _, f := range fields[1:] {
				states = append(states, State(f))
			}
			continue
		}
		if len(fields) != len(states)+1 {
			return nil, fmt.Errorf("key state table: row %q has %d fields, want %d", fields[0], len(fields), len(states)+1)
		}
		if err := t.add(fields[0], states, fields[1:]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *Table) add(operation string, states []State, cells []string) error {
	row := make(map[State]string, len(cells))
	for i, cell := range cells {
		if _, known := faults[cell]; !known && cell != "ok" && cell != "deleting" {
			return fmt.Errorf("key state table: row %q: unknown cell %q", operation, cell)
		}
		row[states[i]] = cell
	}
	t.rows[operation] = row
	return nil
}

// Operations lists the rows of the table, sorted.
func (t *Table) Operations() []string {
	var out []string
	for op := range t.rows {
		out = append(out, op)
	}
	slices.Sort(out)
	return out
}

// Permit says whether operation may be done with the key arn in state s. The
// refusal is DisabledException or KMSInvalidStateException with the text of
// the guide's footnote. An operation or state that is not in the table is
// refused as an internal fault.
func (t *Table) Permit(operation, arn string, s State) *wire.Error {
	cell, known := t.rows[operation][s]
	switch {
	case !known:
		return wire.Errorf(wire.KMSInternal, "no rule for %s on a key in state %q", operation, s)
	case cell == "ok":
		return nil
	case cell == "deleting":
		f := deleting[s]
		return wire.Errorf(f.code, "%s%s", arn, f.text)
	}
	f := faults[cell]
	return wire.Errorf(f.code, "%s%s", arn, f.text)
}

// usages holds, for each permission that asks for one, the key usage that it
// needs. Guide, "Key type reference". Decrypt and ReEncryptFrom are missing:
// there a key of another usage is the wrong key for the ciphertext (SYM-06).
var usages = map[string]spec.Usage{
	"Encrypt":                             spec.EncryptDecrypt,
	"ReEncryptTo":                         spec.EncryptDecrypt,
	"GenerateDataKey":                     spec.EncryptDecrypt,
	"GenerateDataKeyWithoutPlaintext":     spec.EncryptDecrypt,
	"GenerateDataKeyPair":                 spec.EncryptDecrypt,
	"GenerateDataKeyPairWithoutPlaintext": spec.EncryptDecrypt,
	"Sign":                                spec.SignVerify,
	"Verify":                              spec.SignVerify,
	"GenerateMac":                         spec.GenerateVerifyMAC,
	"VerifyMac":                           spec.GenerateVerifyMAC,
	"DeriveSharedSecret":                  spec.KeyAgreement,
}

// Fits says whether the usage of the key arn suits what operation does with
// it, named by the permission ("ReEncryptTo"); the refusal is
// InvalidKeyUsageException.
func Fits(operation, permission, arn string, u spec.Usage) *wire.Error {
	want, asks := usages[permission]
	if !asks || want == u {
		return nil
	}
	return wire.Errorf(wire.InvalidKeyUsage, "%s key usage is %s which is not valid for %s.", arn, u, operation)
}
