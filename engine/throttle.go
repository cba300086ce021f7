package engine

import (
	"slices"

	"github.com/keyreeve/keyreeve/engine/throttle"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// A toll is what a request takes out of a bucket.
type toll struct {
	region, group string
	requests      int
}

// throttled refuses a call that exceeds the request quotas of the caller's
// account (RPS-01, RPS-02). It comes before authorization, so that refused
// calls count too, and those that name nothing there is; the kind of another account's key does not, since which
// bucket a refused call takes from would tell it.
func (s *Scope) throttled() error {
	limiter := s.engine.cfg.RequestQuotas
	if limiter == nil || s.row.service != "kms" {
		return nil
	}
	paid, err := Once(s, "request quotas", func() (bool, error) {
		for _, t := range s.tolls() {
			if !limiter.Take(s.account(), t.region, t.group, t.requests, s.engine.cfg.Clock()) {
				s.engine.cfg.Metrics.Throttled(s.account(), t.region, t.group)
				return false, nil
			}
		}
		return true, nil
	})
	if err == nil && !paid {
		err = wire.Errorf(wire.Throttling, "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.") // THR-01
	}
	return err
}

// tolls are what the call takes: of the operations on two Regions some in
// each (RPS-08). A Region that there is not takes nothing: buckets are of a
// bounded number.
func (s *Scope) tolls() []toll {
	own := toll{s.Region, throttle.Group(s.row.name, s.tollSpec()), 1}
	var other toll
	switch in := s.input.(type) {
	case *wire.ReplicateKeyInput:
		other = toll{in.ReplicaRegion, "CreateKey", 2}
	case *wire.UpdatePrimaryRegionInput:
		other = toll{in.PrimaryRegion, "UpdatePrimaryRegion", 1}
	}
	if slices.Contains(s.World.Regions(), other.region) {
		return []toll{own, other}
	}
	return []toll{own}
}

// tollSpec is the spec by which a call is counted: of the data key pair that
// is asked for, or of the key.
func (s *Scope) tollSpec() string {
	switch in := s.input.(type) {
	case *wire.GenerateDataKeyPairInput:
		return in.KeyPairSpec
	case *wire.GenerateDataKeyPairWithoutPlaintextInput:
		return in.KeyPairSpec
	}
	for _, c := range s.checks {
		if k := c.Resource.Key; k != nil && k.Addr.Account == s.account() {
			return k.Spec
		}
	}
	return ""
}
