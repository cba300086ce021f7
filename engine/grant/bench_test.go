package grant_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/grant"
	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/store"
)

const (
	account = "111122223333"
	role    = "AROAPAYROLL"
)

var address = store.KeyAddr{Account: account, Region: "us-west-2", ID: "1234abcd-12ab-34cd-56ef-1234567890ab"}

// BenchmarkDecisionWithGrants finds the caller's grants in the store and
// decides with them: in the reference case of package decision, on a key with 1
// and on one with 50,000 grants, all to the caller, each for a context of its
// own. The two take turns, so that whatever else the machine does slows both;
// the figures are medians.
func BenchmarkDecisionWithGrants(b *testing.B) {
	counts := []int{1, 50_000}
	stores := []*store.Store{granted(b, counts[0]), granted(b, counts[1])}
	for _, c := range []struct {
		says   string
		config decision.Config
		used   int  // so many of the grants are used
		tried  bool // every request has a context never seen
	}{
		{"remembered", decision.Config{Cache: true, VerifyEvery: 1000}, 100, false},
		{"new contexts, 100 of the grants in use", decision.Config{}, 100, true},
		{"new contexts, each for another grant", decision.Config{}, counts[1], true},
	} {
		b.Run(c.says, func(b *testing.B) {
			e, err := decision.New(c.config)
			require.NoError(b, err)
			q := question(b)
			var took [2][]time.Duration
			i := 0
			for b.Loop() {
				i++
				for which, n := range counts {
					q.EncryptionContext = map[string]string{"tenant": "t", "object": fmt.Sprint(i % min(n, c.used))}
					if c.tried {
						q.EncryptionContext["try"] = fmt.Sprint(i)
					}
					start := time.Now()
					decideWithGrants(b, e, stores[which], q)
					took[which] = append(took[which], time.Since(start))
				}
			}
			slices.Sort(took[0])
			slices.Sort(took[1])
			one, many := took[0][i/2], took[1][i/2]
			b.ReportMetric(float64(one.Nanoseconds())/1000, "µs/1-grant")
			b.ReportMetric(float64(many.Nanoseconds())/1000, "µs/50000-grants")
			b.ReportMetric(float64(many)/float64(one), "ratio")
		})
	}
}

func decideWithGrants(b *testing.B, e *decision.Engine, s *store.Store, q decision.Question) {
	var found []store.Grant
	err := s.View(func(tx *store.Tx) (err error) {
		found, err = tx.GrantCandidates(address, grant.PartyIDs(q.Principal), "Decrypt", q.EncryptionContext, nil)
		return err
	})
	if err != nil || len(found) != 1 {
		b.Fatal(len(found), err)
	}
	q.Grants = []decision.Grant{{
		ID: found[0].ID, Grantee: grant.ReadParty(found[0].GranteeID), IssuingAccount: found[0].IssuingAccount,
		Operations: found[0].Operations, Subset: found[0].Subset,
	}}
	d, err := e.Decide(b.Context(), q)
	if err != nil || !d.Allowed || len(d.Grants) != 1 {
		b.Fatal(d, err)
	}
}

// granted is a store with a key that has n grants.
func granted(b *testing.B, n int) *store.Store {
	b.Helper()
	dir := b.TempDir()
	root, err := seal.CreateRootKey(filepath.Join(dir, "root.key"), rand.Reader)
	require.NoError(b, err)
	s, err := store.Open(store.Config{Dir: filepath.Join(dir, "store"), Root: root})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	require.NoError(b, s.Update(func(tx *store.Tx) error {
		return tx.PutKey(store.Key{
			Addr: address, Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS", State: "Enabled", Manager: "CUSTOMER",
			Created: time.Now(), Policy: store.Policy{Text: "{}"},
			Materials: []store.Material{{ID: fmt.Sprintf("%064x", 1), Ref: store.MaterialRef{Provider: "software", Sealed: make([]byte, 100)}}},
		})
	}))
	const perWrite = 100
	for i := 0; i < n; i += perWrite {
		require.NoError(b, s.Update(func(tx *store.Tx) error {
			for j := i; j < min(i+perWrite, n); j++ {
				err := tx.PutGrant(store.Grant{
					ID: fmt.Sprintf("%064x", j), Key: address, Grantee: "arn:aws:iam::" + account + ":role/payroll", GranteeID: grant.PartyID(decision.Party{Via: decision.ViaRole, ID: role}),
					GranteeAccount: account, IssuingAccount: account, Operations: []string{"Decrypt", "Encrypt"}, Created: time.Now(),
					Subset: map[string]string{"tenant": "t", "object": fmt.Sprint(j)},
				})
				if err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return s
}

// question is the reference case without the IAM policy that allows it, so that
// the grant does.
func question(b *testing.B) decision.Question {
	b.Helper()
	read := func(kind policy.Kind, file string) decision.Policy {
		text, err := os.ReadFile(filepath.Join("..", "decision", "testdata", "reference", file))
		require.NoError(b, err)
		d, err := policy.Parse(kind, text)
		require.NoError(b, err)
		return decision.Policy{Name: file, Owner: account, Document: d}
	}
	key := read(policy.Key, "key.json")
	return decision.Question{
		Rule: decision.KeyPolicy, Action: "kms:Decrypt",
		Resource:  decision.Resource{ARN: "arn:aws:kms:us-west-2:" + account + ":key/" + address.ID, Account: account, OrgID: "o-exampleorgid"},
		Principal: decision.Principal{Type: decision.Role, Account: account, Role: role, Session: role + ":worker-17", ARN: "arn:aws:sts::" + account + ":assumed-role/payroll/worker-17"},
		Context: map[string][]string{
			"aws:principalorgid": {"o-exampleorgid"}, "aws:requestedregion": {"us-west-2"}, "aws:principaltag/dept": {"payroll"},
			"aws:multifactorauthpresent": {"false"}, "kms:encryptioncontext:dept": {"payroll"}, "aws:securetransport": {"true"},
		},
		Identity: []decision.Policy{read(policy.Identity, "protect.json")},
		SCP:      [][]decision.Policy{{read(policy.SCP, "scp.json")}}, KeyPolicy: &key, CrossAccountPossible: true,
	}
}
