package world

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/keyreeve/keyreeve/crypto/seal"
)

// accessKeysInto reads credentials by access key id: the secret alone, or a
// mapping with more. owner is what they all share.
func (l *loader) accessKeysInto(to *[]AccessKey, owner AccessKey) func(value) {
	return func(v value) {
		for _, e := range v.entries() {
			k := owner
			k.ID, k.Active = e.key.Value, true
			e.named(isAccessKey)
			l.accessKey(&k, e)
			if l.keep(k, e) {
				*to = append(*to, k)
			}
		}
	}
}

func (l *loader) accessKey(k *AccessKey, v value) {
	var secret string
	read := textInto(&secret, isSecret)
	if v.node.Kind == yaml.MappingNode {
		v.fields(table{"secret": read, "active": boolInto(&k.Active)}, "secret")
	} else {
		read(v)
	}
	k.Secret = seal.NewSecret([]byte(secret))
}

// ownedKeys reads access keys that stand apart from their owners, so that a
// file of its own can hold them.
func (l *loader) ownedKeys(a *Account, v value) {
	for _, e := range v.entries() {
		k := AccessKey{ID: e.key.Value, Active: true, Account: a.ID}
		var secret string
		e.named(isAccessKey)
		e.fields(table{
			"owner":  l.ownerInto(&k, a),
			"secret": textInto(&secret, isSecret),
			"active": boolInto(&k.Active),
		}, "owner", "secret")
		k.Secret = seal.NewSecret([]byte(secret))
		if !l.keep(k, e) {
			continue
		}
		if k.Root {
			a.RootKeys = append(a.RootKeys, k)
		} else if k.User != nil {
			k.User.Keys = append(k.User.Keys, k)
		}
	}
}

// ownerInto reads root or user/NAME.
func (l *loader) ownerInto(k *AccessKey, a *Account) func(value) {
	return func(v value) {
		text, _ := v.text()
		name, isUser := strings.CutPrefix(text, "user/")
		i := slices.IndexFunc(a.Users, func(u *User) bool { return u.Name == name })
		switch {
		case text == "root":
			k.Root = true
		case isUser && i >= 0:
			k.User = a.Users[i]
		default:
			v.failf("must be root or user/NAME with a user of this account")
		}
	}
}

// keep indexes an access key.
func (l *loader) keep(k AccessKey, v value) bool {
	if _, taken := l.world.accessKeys[k.ID]; taken {
		v.keyFailf("this access key id is given twice in the world")
		return false
	}
	l.world.accessKeys[k.ID] = k
	return true
}
