package grant

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/store"
)

// tokenPurpose separates grant tokens from all else that the root key seals.
const tokenPurpose = "grant-token"

// Tokens makes and opens grant tokens. A token is the sealed name of its
// grant, so that none need be kept, none can be forged, and each ends with
// its grant. Safe for concurrent use.
type Tokens struct {
	Root *seal.RootKey // required
}

// named is what a token says.
type named struct {
	Account, Region, Key, Grant string
}

// Make returns a token for a grant.
func (t Tokens) Make(addr store.KeyAddr, id string) (string, error) {
	b, err := json.Marshal(named{addr.Account, addr.Region, addr.ID, id})
	if err != nil {
		return "", err
	}
	sealed, err := t.Root.Seal(tokenPurpose, nil, b)
	if err != nil {
		return "", fmt.Errorf("sealing a grant token: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// Open returns the grant that a token stands for, which may be gone. What is
// not a token of this service is InvalidGrantTokenException.
func (t Tokens) Open(token string) (store.KeyAddr, string, error) {
	var n named
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		var b seal.Secret
		if b, err = t.Root.Open(tokenPurpose, nil, sealed); err == nil {
			err = json.Unmarshal(b.Expose(), &n)
		}
	}
	if err != nil {
		return store.KeyAddr{}, "", wire.Errorf(wire.InvalidGrantToken, "Invalid grant token.")
	}
	return store.KeyAddr{Account: n.Account, Region: n.Region, ID: n.Key}, n.Grant, nil
}
