package instance

import (
	"github.com/keyreeve/keyreeve/crypto/material/software"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/metrics"
)

// readings are the numbers that the parts of an Instance keep themselves.
func readings(decisions *decision.Engine, materials *software.Provider) []metrics.Reading {
	of := func(read func(decision.Stats) float64) func() float64 {
		return func() float64 { return read(decisions.Stats()) }
	}
	const hits, misses, caches = "keyreeve_decision_cache_hits_total", "keyreeve_decision_cache_misses_total", "Questions that were answered from memory, or not, by cache: verdicts of documents, or decisions."
	verdicts, outcomes := map[string]string{"cache": "verdicts"}, map[string]string{"cache": "decisions"}
	return []metrics.Reading{
		{Name: hits, Help: caches, Labels: verdicts, Counts: true, Value: of(func(s decision.Stats) float64 { return float64(s.VerdictHits) })},
		{Name: hits, Help: caches, Labels: outcomes, Counts: true, Value: of(func(s decision.Stats) float64 { return float64(s.OutcomeHits) })},
		{Name: misses, Help: caches, Labels: verdicts, Counts: true, Value: of(func(s decision.Stats) float64 { return float64(s.VerdictMisses) })},
		{Name: misses, Help: caches, Labels: outcomes, Counts: true, Value: of(func(s decision.Stats) float64 { return float64(s.OutcomeMisses) })},
		{
			Name: "keyreeve_decision_cache_differences_total", Counts: true,
			Help:  "Answers from memory that were decided again and differed; must stay 0.",
			Value: of(func(s decision.Stats) float64 { return float64(s.Differences) }),
		},
		{
			Name: "keyreeve_decision_cache_bytes", Help: "What remembered answers weigh.",
			Value: of(func(s decision.Stats) float64 { return float64(s.RememberedBytes) }),
		},
		{Name: "keyreeve_compiled_policies", Help: "Policy documents that are compiled.", Value: of(func(s decision.Stats) float64 { return float64(s.Programs) })},
		{
			Name: "keyreeve_compiled_policy_bytes", Help: "What compiled policy documents weigh.",
			Value: of(func(s decision.Stats) float64 { return float64(s.ProgramBytes) }),
		},
		{Name: "keyreeve_opened_keys", Help: "Key materials that are open in memory.", Value: func() float64 { return float64(materials.Opened().Keys) }},
		{Name: "keyreeve_opened_key_bytes", Help: "What open key materials weigh.", Value: func() float64 { return float64(materials.Opened().Bytes) }},
		{
			Name: "keyreeve_opened_key_hits_total", Help: "Key materials that were found open.", Counts: true,
			Value: func() float64 { return float64(materials.Opened().Hits) },
		},
		{
			Name: "keyreeve_opened_key_misses_total", Help: "Key materials that had to be opened.", Counts: true,
			Value: func() float64 { return float64(materials.Opened().Misses) },
		},
	}
}
