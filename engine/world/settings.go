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
}

// MaxConsistencyDelay is the longest delay that can be simulated.
const MaxConsistencyDelay = time.Hour

// Settings are the options of the whole world.
func (w *World) Settings() Settings { return w.settings }

// settings reads the options of the whole world.
func (l *loader) settings(v value) {
	v.fields(table{
		"encoded-messages":  boolInto(&l.world.settings.EncodedMessages),
		"consistency-delay": secondsInto(&l.world.settings.ConsistencyDelay, 0, MaxConsistencyDelay),
	})
}
