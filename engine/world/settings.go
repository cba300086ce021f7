package world

import "time"

// Settings are options of the whole world.
type Settings struct {
	// EncodedMessages puts the encoded authorization message of a refusal into
	// its text too.
	EncodedMessages bool
	// ConsistencyDelay is how long changes of grants, tags and aliases take to
	// count for authorization; zero: they count at once.
	ConsistencyDelay time.Duration
	// Quotas are the resource quotas that the world adjusts.
	Quotas Quotas
}

// Quotas are resource quotas; zero: not said. Guide, "Quotas".
type Quotas struct {
	Keys          int // KMS keys of an account in a Region
	AliasesPerKey int
	GrantsPerKey  int
}

// maxQuota is the largest quota that a world can set.
const maxQuota = 10_000_000

// MaxConsistencyDelay is the longest delay that can be simulated.
const MaxConsistencyDelay = time.Hour

// Settings are the options of the whole world.
func (w *World) Settings() Settings { return w.settings }

// settings reads the options of the whole world.
func (l *loader) settings(v value) {
	v.fields(table{
		"encoded-messages":  boolInto(&l.world.settings.EncodedMessages),
		"consistency-delay": secondsInto(&l.world.settings.ConsistencyDelay, 0, MaxConsistencyDelay),
		"quotas":            quotasInto(&l.world.settings.Quotas),
	})
}

func quotasInto(to *Quotas) func(value) {
	return func(v value) {
		v.fields(table{
			"keys":            numberInto(&to.Keys, 1, maxQuota),
			"aliases-per-key": numberInto(&to.AliasesPerKey, 1, maxAliases),
			"grants-per-key":  numberInto(&to.GrantsPerKey, 1, maxQuota),
		})
	}
}
