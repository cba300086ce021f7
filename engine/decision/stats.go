package decision

// Stats tells what an engine holds and how often it remembered.
type Stats struct {
	Programs                   int // compiled documents
	ProgramBytes               int64
	VerdictHits, VerdictMisses uint64
	OutcomeHits, OutcomeMisses uint64
	RememberedBytes            int64
	Differences                uint64 // remembered answers that were wrong; must stay 0
}

// Stats returns the numbers of now.
func (e *Engine) Stats() Stats {
	s := Stats{
		VerdictHits: e.verdicts.hits.Load(), VerdictMisses: e.verdicts.misses.Load(),
		OutcomeHits: e.outcomes.hits.Load(), OutcomeMisses: e.outcomes.misses.Load(),
		Differences: e.verdicts.differences.Load() + e.outcomes.differences.Load() + e.refusals.differences.Load(),
	}
	s.Programs, s.ProgramBytes = e.programs.compiled.size()
	_, verdicts := e.verdicts.cache.size()
	_, outcomes := e.outcomes.cache.size()
	_, refusals := e.refusals.cache.size()
	s.RememberedBytes = verdicts + outcomes + refusals
	return s
}
