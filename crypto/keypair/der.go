package keypair

import (
	"bytes"
	"encoding/asn1"
)

// exact reads a DER value that is a T and nothing else. The parsers of the
// standard library leave unread what follows the last member of a SEQUENCE;
// here that is ErrForm, as is all that DER writes otherwise.
func exact[T any](der []byte) (T, error) {
	var value T
	if rest, err := asn1.Unmarshal(der, &value); err != nil || len(rest) > 0 {
		return value, ErrForm
	}
	again, err := asn1.Marshal(value)
	if err != nil || !bytes.Equal(again, der) {
		return value, ErrForm
	}
	return value, nil
}
