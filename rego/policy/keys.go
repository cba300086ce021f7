package policy

import "strings"

// A ConditionKey is a row of A-43.
type ConditionKey struct {
	// Name in the spelling of the guide. One that ends in ":" or "/" is a
	// prefix: kms:EncryptionContext:, aws:ResourceTag/.
	Name string
	Type ValueType
	// Many: a request may hold several values.
	Many bool
}

// ConditionKeys that keyreeve provides.
var ConditionKeys = []ConditionKey{
	{Name: "kms:EncryptionContext:", Type: StringType},
	{Name: "kms:EncryptionContextKeys", Type: StringType, Many: true},
	{Name: "kms:GrantOperations", Type: StringType, Many: true},
	{Name: "kms:ResourceAliases", Type: StringType, Many: true},
	{Name: "aws:TagKeys", Type: StringType, Many: true},
}

// prefixKeys are the prefixes alone, without the name that must follow.
var prefixKeys = []string{"kms:encryptioncontext:", "aws:resourcetag/", "aws:requesttag/", "aws:principaltag/"}

// ConditionKeyNamed finds the row of a key in any case; for a prefix row the
// key has a name after the prefix.
func ConditionKeyNamed(name string) (ConditionKey, bool) {
	for _, k := range ConditionKeys {
		if strings.EqualFold(k.Name, name) {
			return k, true
		}
	}
	return ConditionKey{}, false
}

func multiValued(name string) bool {
	k, ok := ConditionKeyNamed(name)
	return ok && k.Many
}
