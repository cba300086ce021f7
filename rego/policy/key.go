package policy

import (
	"slices"
	"strings"
)

// A ConditionKey is a row of A-43.
type ConditionKey struct {
	// Name in the spelling of the guide. One that ends in ":" or "/" is a
	// prefix that a name follows: kms:EncryptionContext:, aws:ResourceTag/.
	Name string
	Type ValueType
	// Also is a second type whose operators fit; zero for none.
	Also ValueType
	// Many: a request may hold several values.
	Many bool
	// Global keys do not depend on the action.
	Global bool
	// Absent: known to AWS, but no request to keyreeve ever holds it.
	Absent bool
}

// Prefix tells whether a name follows Name.
func (k ConditionKey) Prefix() bool {
	return strings.HasSuffix(k.Name, ":") || strings.HasSuffix(k.Name, "/")
}

// Fits tells whether operators of type t compare values of the key. Null, and
// string operators on ARNs, always do.
func (k ConditionKey) Fits(t ValueType) bool {
	return t == k.Type || t == k.Also || t == PresenceType || k.Type == ARNType && t == StringType
}

// Actions lists the actions whose requests can hold the key, sorted; all of
// them for a global key.
func (k ConditionKey) Actions() []string {
	var names []string
	for _, a := range Actions {
		if k.Global || slices.Contains(a.ConditionKeys, k.Name) {
			names = append(names, a.Name)
		}
	}
	return names
}

// ConditionKeyNamed finds the row of a key in any case. For a prefix row name
// is the prefix with or without what follows, also without its separator.
func ConditionKeyNamed(name string) (ConditionKey, bool) {
	name = strings.ToLower(name)
	if k, ok := keysByName[name]; ok {
		return k, true
	}
	for i := range len(name) {
		if name[i] == ':' || name[i] == '/' {
			if k, ok := keysByName[name[:i+1]]; ok {
				return k, true
			}
		}
	}
	for _, separator := range []string{":", "/"} {
		if k, ok := keysByName[name+separator]; ok {
			return k, true
		}
	}
	return ConditionKey{}, false
}

// NamesShare tells whether names that differ only in case share the condition
// key, given in lower case, so that a request may hold several values of it:
// those of an encryption context, and of tags in a request or on a resource
//
func NamesShare(key string) bool {
	for _, prefix := range []string{"kms:encryptioncontext:", "aws:requesttag/", "aws:resourcetag/"} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

func multiValued(name string) bool {
	k, ok := ConditionKeyNamed(name)
	return ok && k.Many
}

var keysByName = func() map[string]ConditionKey {
	m := map[string]ConditionKey{}
	for _, k := range ConditionKeys {
		m[strings.ToLower(k.Name)] = k
	}
	return m
}()
