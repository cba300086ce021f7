package engine

import "cmp"

// Quotas are the resource quotas that an operator can adjust (RQ-01 to
// RQ-03); zero stands for the service's own. Guide, "Quotas".
type Quotas struct {
	Keys          int // KMS keys of an account in a Region: 100,000
	AliasesPerKey int // 50
	GrantsPerKey  int // 50,000
	Rotations     int // on demand, in the life of a key: 25
}

func (q Quotas) complete() Quotas {
	return Quotas{
		Keys:          cmp.Or(q.Keys, 100_000),
		AliasesPerKey: cmp.Or(q.AliasesPerKey, 50),
		GrantsPerKey:  cmp.Or(q.GrantsPerKey, 50_000),
		Rotations:     cmp.Or(q.Rotations, 25),
	}
}
