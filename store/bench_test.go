package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fill makes n keys, in transactions of a hundred.
func fill(t testing.TB, s *Store, n int) {
	t.Helper()
	policy := Policy{Text: strings.Repeat(`{"Effect":"Allow"}`, 20)}
	for i := 0; i < n; i += 100 {
		require.NoError(t, s.Update(func(tx *Tx) error {
			for j := i; j < min(i+100, n); j++ {
				k := testKey(fmt.Sprintf("key-%08d", j))
				k.Policy = policy
				k.Materials = []Material{{ID: strings.Repeat("a", 64), Created: testTime,
					Ref: MaterialRef{Provider: "software", ID: k.Addr.ID, Spec: k.Spec, Sealed: make([]byte, 120)}}}
				if err := tx.PutKey(k); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func BenchmarkUpdateKey(b *testing.B) {
	s := open(b, testConfig(b))
	fill(b, s, 1)
	n := 0
	for b.Loop() {
		n++
		require.NoError(b, s.Update(func(tx *Tx) error {
			k, err := tx.Key(addr("key-00000000"))
			if err != nil {
				return err
			}
			k.Description = fmt.Sprint(n)
			return tx.PutKey(k)
		}))
	}
}

func BenchmarkViewKey(b *testing.B) {
	s := open(b, testConfig(b))
	fill(b, s, 1000)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, s.View(func(tx *Tx) error {
			_, err := tx.Key(addr("key-00000500"))
			return err
		}))
	}
}

// BenchmarkGrantCandidates looks for a grant of a key that has so many, in a
// database where another key has so many; for contexts that are new each time,
// or the same.
func BenchmarkGrantCandidates(b *testing.B) {
	for _, c := range []struct{ of, beside int }{{0, 1}, {1, 1}, {1, 50_000}, {50_000, 1}} {
		s := open(b, quiet(testConfig(b)))
		fill(b, s, 2)
		fillGrants(b, s, addr("key-00000000"), c.of, distinct)
		fillGrants(b, s, addr("key-00000001"), c.beside, distinct)
		require.NoError(b, s.repack(b.Context()))
		ids := []string{"AIDAOTHER", "111122223333", "AROAGRANTEE"}
		for _, same := range []bool{false, true} {
			b.Run(fmt.Sprintf("of=%d/beside=%d/same=%t", c.of, c.beside, same), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if i++; same {
						i = 1
					}
					ec := map[string]string{"tenant": "t", "object": fmt.Sprint(i % max(c.of, 1)), "try": fmt.Sprint(i)}
					require.NoError(b, s.View(func(tx *Tx) error {
						found, err := tx.GrantCandidates(addr("key-00000000"), ids, "Decrypt", ec, nil)
						if len(found) != min(c.of, 1) {
							b.Fatalf("found %d grants", len(found))
						}
						return err
					}))
				}
			})
		}
	}
}

// BenchmarkGrantCandidatesAlike looks in new contexts for one of grants that
// all have the same Subset; for CreateGrant, with one of 64 sets of operations.
func BenchmarkGrantCandidatesAlike(b *testing.B) {
	for _, n := range []int{1, 50_000} {
		s := open(b, quiet(testConfig(b)))
		fill(b, s, 1)
		key := addr("key-00000000")
		fillGrants(b, s, key, n, func(i int, g *Grant) {
			g.Subset, g.Operations = map[string]string{"tenant": "t"}, []string{"CreateGrant", "Decrypt"}
			for bit := range 6 {
				if i>>bit&1 == 1 {
					g.Operations = append(g.Operations, fmt.Sprint("Operation", bit))
				}
			}
		})
		require.NoError(b, s.repack(b.Context()))
		for _, operation := range []string{"Decrypt", "CreateGrant"} {
			b.Run(fmt.Sprintf("of=%d/%s", n, operation), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					i++
					require.NoError(b, s.View(func(tx *Tx) error {
						_, err := tx.GrantCandidates(key, []string{"AROAGRANTEE"}, operation, map[string]string{"tenant": "t", "try": fmt.Sprint(i)}, nil)
						return err
					}))
				}
			})
		}
	}
}

// distinct gives each grant a context of its own.
func distinct(i int, g *Grant) { g.Subset = map[string]string{"tenant": "t", "object": fmt.Sprint(i)} }

// fillGrants gives a key n grants, all to one grantee.
func fillGrants(t testing.TB, s *Store, key KeyAddr, n int, change func(i int, g *Grant)) {
	t.Helper()
	for i := 0; i < n; i += 100 {
		require.NoError(t, s.Update(func(tx *Tx) error {
			for j := i; j < min(i+100, n); j++ {
				g := testGrant(key, fmt.Sprintf("grant-%06d", j))
				change(j, &g)
				if err := tx.PutGrant(g); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func testGrant(key KeyAddr, id string) Grant {
	return Grant{ID: id, Key: key, Grantee: "arn:aws:iam::111122223333:role/grantee", GranteeID: "AROAGRANTEE",
		GranteeAccount: "111122223333", IssuingAccount: "111122223333",
		Operations: []string{"Decrypt", "Encrypt"}, Created: testTime}
}

func BenchmarkOpen(b *testing.B) {
	c := testConfig(b)
	s, err := Open(c)
	require.NoError(b, err)
	fill(b, s, 100_000)
	require.NoError(b, s.Close())
	for b.Loop() {
		s, err := Open(c)
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, s.Close())
		b.StartTimer()
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, sync := range []bool{false, true} {
		for _, callers := range []int{1, 16} {
			b.Run(fmt.Sprintf("sync=%t/callers=%d", sync, callers), func(b *testing.B) {
				c := testConfig(b)
				c.SyncEvents = sync
				c.Now = time.Now
				s := open(b, c)
				event := []byte(strings.Repeat("e", 1000))
				b.SetBytes(int64(len(event)))
				b.SetParallelism((callers + 1) / 2)
				b.ReportAllocs()
				if callers == 1 {
					for b.Loop() {
						require.NoError(b, s.Append(event))
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						require.NoError(b, s.Append(event))
					}
				})
			})
		}
	}
}
