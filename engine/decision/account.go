package decision

// An account is a decided question, from which evidence is told.
type account struct {
	question    *Question
	attachments *attachments
	outcome     *outcome
}

func (a *account) evidence() Evidence { return Evidence{} }
