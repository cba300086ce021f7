package decision

// Sentence returns the text of the AccessDeniedException for a refusal
// which holds nothing that A-20 keeps from the caller. It is
// empty for a decision that allows.
func (d Decision) Sentence() string { return "" }
