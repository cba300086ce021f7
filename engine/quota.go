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

// quotas are those of the world, and where it says none of the engine.
func (s *Scope) quotas() Quotas {
	q, own := s.World.Settings().Quotas, s.engine.cfg.Quotas
	return Quotas{
		Keys: cmp.Or(q.Keys, own.Keys), AliasesPerKey: cmp.Or(q.AliasesPerKey, own.AliasesPerKey), GrantsPerKey: cmp.Or(q.GrantsPerKey, own.GrantsPerKey),
		Rotations: own.Rotations,
	}
}

func (q Quotas) complete() Quotas {
	return Quotas{
		Keys:          cmp.Or(q.Keys, 100_000),
		AliasesPerKey: cmp.Or(q.AliasesPerKey, 50),
		GrantsPerKey:  cmp.Or(q.GrantsPerKey, 50_000),
		Rotations:     cmp.Or(q.Rotations, 25),
	}
}
