package lint

// CheckGrants looks at grants: the answer of ListGrants or
// ListRetirableGrants, a list of its entries, one entry, or the input of
// CreateGrant.
func CheckGrants(text []byte, o Options) []Finding {
	return nil
}
