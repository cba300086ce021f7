package engine_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/enginetest"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/wire"
)

//go:embed testdata/keystates.tsv
var keyStatesTSV string

// A stateRow is what an operation answers with keys of a kind, by state.
type stateRow struct {
	operation, kind string
	cells           map[lifecycle.State]string
}

// keyStates are the rows of the table in their order.
func keyStates(t *testing.T) (rows []stateRow) {
	t.Helper()
	var head []string
	for line := range strings.Lines(keyStatesTSV) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case strings.HasPrefix(line, "#"):
		case head == nil:
			head = fields
		default:
			row := stateRow{operation: fields[0], kind: fields[1], cells: map[lifecycle.State]string{}}
			for i, name := range head[2 : len(head)-1] {
				row.cells[lifecycle.State(name)] = fields[2+i]
			}
			rows = append(rows, row)
		}
	}
	require.NotEmpty(t, rows)
	return rows
}

// cellText turns a cell into the answer about a key, or into its code alone
// where no text is known.
func cellText(cell, operation string, s subject) (string, bool) {
	operation, _, _ = strings.Cut(operation, "/")
	const wrongState, unsupported = "KMSInvalidStateException: ", "UnsupportedOperationException"
	leaving := map[lifecycle.State]string{lifecycle.PendingDeletion: " is pending deletion.", lifecycle.PendingReplicaDeletion: " is pending replica deletion."}
	text, known := map[string]string{
		"ok":          "ok",
		"disabled":    "DisabledException: " + s.arn() + " is disabled.",
		"notDeleting": wrongState + s.arn() + " is not pending deletion.",
		"deleting":    wrongState + s.arn() + leaving[s.state],
		"import":      wrongState + s.arn() + " is pending import.",
		"creating":    wrongState + s.arn() + " is creating.",
		"updating":    wrongState + s.arn() + " is updating.",
		"usage":       fmt.Sprintf("InvalidKeyUsageException: %s key usage is %s which is not valid for %s.", s.arn(), s.kind.usage, operation),
		"spec":        fmt.Sprintf("InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec %s.", s.kind.spec),
		"otherKey":    "IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation.",
		"origin":      fmt.Sprintf("%s: %s origin is %s which is not valid for this operation.", unsupported, s.arn(), s.kind.origin),
		"notPrimary":  unsupported + ": " + s.arn() + " is not a multi-region primary key.",
		"managed":     "AccessDeniedException: " + s.arn() + " is an AWS managed key, which nobody can change.",
		"unsupported": unsupported,
	}[cell]
	return text, known
}

// TestEveryOperationInEveryStateOnEveryKind asks each operation that names a
// key about keys of each kind in each state that they can be in, and holds the
// answers against the table. Guide, "Key states of AWS KMS keys" and "Key type
// reference".
func TestEveryOperationInEveryStateOnEveryKind(t *testing.T) {
	b := newBench(t)
	table := keyStates(t)
	operations := stateOperations(t, table)
	makes := b.newMakers()
	var asked atomic.Int64
	var all errgroup.Group
	all.SetLimit(8 * runtime.GOMAXPROCS(0)) // most of the time is waiting for the disk
	for _, k := range keyKinds() {
		all.Go(func() error {
			mine := k.operations(operations)
			for _, state := range k.states() {
				subjects, err := makes.subjects(k, state, mine)
				if err != nil {
					return fmt.Errorf("%s %s: %w", k, state, err)
				}
				for _, operation := range mine {
					if asks(t, table, operation, subjects[operation]) {
						asked.Add(1)
						b.agrees(table, operation, subjects[operation])
					}
				}
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	assert.Equal(t, int64(12_875), asked.Load(), "combinations of operation, kind and state")
}

// stateOperations are the operations of the table: all of the model that name
// a key, and those that name a second one.
func stateOperations(t *testing.T, table []stateRow) (all []string) {
	t.Helper()
	for _, r := range table {
		if !slices.Contains(all, r.operation) {
			all = append(all, r.operation)
		}
	}
	for _, op := range wire.Operations() {
		if !onNoKey[op.Name] {
			assert.Contains(t, all, op.Name, "rows of the operation")
		}
	}
	for _, operation := range all {
		assert.Contains(t, stateRequests, operation, "request of the operation")
	}
	return all
}

// cellOf is the cell of the first row that fits.
func cellOf(table []stateRow, operation string, s subject) (string, bool) {
	for _, r := range table {
		if fits, err := path.Match(r.kind, s.kind.name()); r.operation == operation && err == nil && fits {
			return r.cells[s.state], true
		}
	}
	return "", false
}

// asks tells whether there is such a key; a combination that the table lacks
// fails the test.
func asks(t *testing.T, table []stateRow, operation string, s subject) bool {
	t.Helper()
	cell, found := cellOf(table, operation, s)
	if !found {
		t.Errorf("the table has no row of %s on a key of %s", operation, s.kind)
	}
	return found && cell != "-"
}

// agrees asks an operation about a key.
func (b bench) agrees(table []stateRow, operation string, s subject) {
	b.t.Helper()
	cell, _ := cellOf(table, operation, s)
	want, known := cellText(cell, operation, s)
	name, _, _ := strings.Cut(operation, "/")
	region, body := s.addr.Region, stateRequests[operation](s)
	if operation == "UpdatePrimaryRegion/promoted" {
		region = s.addr.sibling().Region
	}
	got := b.serve(alice, region, name, body)
	if code, _, hasText := strings.Cut(got, ": "); hasText && !strings.Contains(want, ": ") {
		got = code
	}
	if !known || got != want {
		b.t.Errorf("%s on %s, which is %s: got %q, want %q (%s)", operation, s.kind, s.state, got, want, cell)
	}
}

// serve asks the engine in this process, and returns "ok" or what said would.
func (b bench) serve(who enginetest.Keys, region, operation string, body any) string {
	status, answer := b.ask(who, region, operation, body)
	var failed struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	switch err := json.Unmarshal(answer, &failed); {
	case status == http.StatusOK:
		return "ok"
	case err != nil:
		return err.Error()
	case failed.Message == "":
		return failed.Type
	}
	return failed.Type + ": " + failed.Message
}

func (b bench) ask(who enginetest.Keys, region, operation string, body any) (int, []byte) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	signed := b.Request(who, region, operation, string(text), b.URL, "")
	response := b.Engine.Serve(b.ctx, wire.Request{
		ID: uuid.NewString(), Method: signed.Method, Path: "/", Host: signed.URL.Host, Header: signed.Header, Body: text,
		RemoteIP: netip.MustParseAddr("192.0.2.7"), Received: b.Clock.Now(),
	})
	return response.Status, response.Body
}

// A keyKind is what a key is, apart from its state.
type keyKind struct {
	spec   spec.KeySpec
	usage  spec.Usage
	origin spec.Origin
	region string // SINGLE, PRIMARY, REPLICA or MANAGED
}

func (k keyKind) String() string { return fmt.Sprintf("%s %s %s", k.spec, k.usage, k.name()) }

// name is the kind as the table has it.
func (k keyKind) name() string {
	types := map[spec.Usage]string{
		spec.EncryptDecrypt: "ASYM_ENCRYPT", spec.SignVerify: "ASYM_SIGN", spec.KeyAgreement: "ASYM_KEY_AGREEMENT", spec.GenerateVerifyMAC: "HMAC",
	}
	kind := types[k.usage]
	if k.spec == spec.SymmetricDefault {
		kind = "SYMMETRIC"
	}
	return kind + "/" + string(k.origin) + "/" + k.region
}

// operations are those that are asked about keys of the kind: all, but of
// those that change a multi-Region key with one spec of each type.
func (k keyKind) operations(all []string) []string {
	first := slices.Contains([]spec.KeySpec{spec.SymmetricDefault, spec.HMAC256, spec.ECCNISTP256}, k.spec) || k.spec == spec.RSA2048 && k.usage == spec.EncryptDecrypt
	if first || k.region == "SINGLE" {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(operation string) bool { return slices.Contains(writers, operation) })
}

// states are those that a key of the kind can be in.
func (k keyKind) states() []lifecycle.State {
	all := map[string][]lifecycle.State{
		"MANAGED": {lifecycle.Enabled},
		"SINGLE":  {lifecycle.Enabled, lifecycle.Disabled, lifecycle.PendingDeletion},
		"PRIMARY": {lifecycle.Enabled, lifecycle.Disabled, lifecycle.PendingDeletion, lifecycle.PendingReplicaDeletion, lifecycle.Updating},
		"REPLICA": {lifecycle.Enabled, lifecycle.Disabled, lifecycle.PendingDeletion, lifecycle.Creating, lifecycle.Updating},
	}[k.region]
	if k.origin == spec.OriginExternal {
		all = append(slices.Clone(all), lifecycle.PendingImport)
	}
	return all
}

// keyKinds are a spec of each family with each usage, of both origins, in one
// Region and in several; and the one kind of AWS managed keys.
func keyKinds() []keyKind {
	all := []keyKind{{spec.SymmetricDefault, spec.EncryptDecrypt, spec.OriginKMS, "MANAGED"}}
	for _, k := range []struct {
		spec  spec.KeySpec
		usage spec.Usage
	}{
		{spec.SymmetricDefault, spec.EncryptDecrypt},
		{spec.HMAC256, spec.GenerateVerifyMAC},
		{spec.RSA2048, spec.EncryptDecrypt},
		{spec.RSA2048, spec.SignVerify},
		{spec.ECCNISTP256, spec.SignVerify},
		{spec.ECCNISTP256, spec.KeyAgreement},
		{spec.ECCSECGP256K1, spec.SignVerify},
		{spec.ECCNISTEdwards25519, spec.SignVerify},
		{spec.SM2, spec.EncryptDecrypt},
		{spec.SM2, spec.SignVerify},
		{spec.SM2, spec.KeyAgreement},
		{spec.MLDSA44, spec.SignVerify},
	} {
		for _, origin := range []spec.Origin{spec.OriginKMS, spec.OriginExternal} {
			for _, region := range []string{"SINGLE", "PRIMARY", "REPLICA"} {
				all = append(all, keyKind{k.spec, k.usage, origin, region})
			}
		}
	}
	return all
}

// once calls a function once for each key, however many ask.
type once[K comparable, V any] struct {
	mu    sync.Mutex
	calls map[K]func() (V, error)
}

func (o *once[K, V]) of(k K, f func() (V, error)) (V, error) {
	o.mu.Lock()
	call, known := o.calls[k]
	if !known {
		if o.calls == nil {
			o.calls = map[K]func() (V, error){}
		}
		call = sync.OnceValues(f)
		o.calls[k] = call
	}
	o.mu.Unlock()
	return call()
}
