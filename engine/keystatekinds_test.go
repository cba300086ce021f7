package engine_test

import (
	"crypto/aes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/crypto/keypair"
	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/store"
)

// A place is the address of a key.
type place struct{ store.KeyAddr }

// sibling is the place of the other key of a set.
func (p place) sibling() place {
	p.Region = map[string]string{region: europe, europe: region}[p.Region]
	return p
}

// A subject is a key in a state, with what the requests about it need.
type subject struct {
	kind   keyKind
	state  lifecycle.State
	addr   place
	other  string      // id of a key of the kind that is enabled, for UpdateAlias
	made   made        // with a key of the same material
	helper helper      // in the same Region
	token  importToken // for keys of EXTERNAL origin
}

func (s subject) arn() string {
	return "arn:aws:kms:" + s.addr.Region + ":" + s.addr.Account + ":key/" + s.addr.ID
}

// alias is the name of the alias that subjects have if their operation needs one.
func (s subject) alias() string { return "alias/" + s.addr.ID }

// made is what can be taken back with a key.
type made struct{ Ciphertext, Signature, Mac, Public []byte }

// A helper is a symmetric key that is enabled, with a ciphertext.
type helper struct {
	arn  string
	blob []byte
}

// An importToken brings the material of a key again.
type importToken struct{ token, material []byte }

// A template is a key that the API made, with all that it needs to be used.
type template struct {
	key    store.Key
	secret []byte // what was imported
}

// makers make keys once for each kind, and put copies of them into states.
type makers struct {
	bench
	templates once[string, template]
	secrets   once[spec.KeySpec, []byte]
	helpers   once[string, helper]
	mades     once[keyKind, made]
	tokens    once[keyKind, importToken]
	lasting   once[string, string]
}

func (b bench) newMakers() *makers { return &makers{bench: b} }

// writers are the operations that change a key, each of which gets a copy of
// its own.
var writers = []string{
	"CancelKeyDeletion", "CreateAlias", "CreateGrant", "DeleteAlias", "DeleteImportedKeyMaterial", "DisableKey", "DisableKeyRotation", "EnableKey",
	"EnableKeyRotation", "PutKeyPolicy", "ReplicateKey", "RetireGrant", "RevokeGrant", "RotateKeyOnDemand", "ScheduleKeyDeletion", "TagResource",
	"UntagResource", "UpdateAlias", "UpdateAlias/current", "UpdateKeyDescription", "UpdatePrimaryRegion", "UpdatePrimaryRegion/promoted",
}

// subjects puts a key of a kind into a state, for each operation.
func (m *makers) subjects(k keyKind, state lifecycle.State, operations []string) (map[string]subject, error) {
	t, err := m.template(k)
	if err != nil {
		return nil, err
	}
	all := map[string]subject{}
	for _, operation := range operations {
		s := subject{kind: k, state: state, addr: place{store.KeyAddr{Account: acme, Region: region}}}
		if k.region == "REPLICA" {
			s.addr.Region = europe
		}
		if s.addr.ID, err = m.idFor(k, operation); err != nil {
			return nil, err
		}
		if strings.HasPrefix(operation, "UpdateAlias") {
			s.other = k.newID()
		}
		all[operation] = s
	}
	if err := m.put(t.key, all); err != nil {
		return nil, err
	}
	return all, m.equip(t, all)
}

// idFor is the id of a subject. Ciphertexts and import tokens are for one key,
// so the key goes through all states.
func (m *makers) idFor(k keyKind, operation string) (string, error) {
	switch {
	case slices.Contains(writers, operation):
		return k.newID(), nil
	case operation != "ImportKeyMaterial":
		operation = ""
	}
	return m.lasting.of(k.String()+operation, func() (string, error) { return k.newID(), nil })
}

func (k keyKind) newID() string {
	id := uuid.NewString()
	if k.region == "PRIMARY" || k.region == "REPLICA" {
		return "mrk-" + strings.ReplaceAll(id, "-", "")
	}
	return id
}

// put writes the subjects, and what their operations act on.
func (m *makers) put(template store.Key, all map[string]subject) error {
	return m.Store.Update(func(tx *store.Tx) error {
		for operation, s := range all {
			for _, k := range s.records(template, m.Clock.Now(), operation) {
				if err := tx.PutKey(k); err != nil {
					return err
				}
			}
			if err := m.putBeside(tx, s, template, operation); err != nil {
				return fmt.Errorf("%s: %w", operation, err)
			}
		}
		return nil
	})
}

// putBeside writes what the operation about a subject acts on, too.
func (m *makers) putBeside(tx *store.Tx, s subject, template store.Key, operation string) error {
	target := s.addr.ID
	switch operation {
	case "UpdateAlias", "UpdateAlias/current":
		other := s
		other.state, other.addr.ID = lifecycle.Enabled, s.other
		if s.kind.region == "MANAGED" {
			other.kind.region = "SINGLE"
		}
		for _, k := range other.records(template, m.Clock.Now(), operation) {
			if err := tx.PutKey(k); err != nil {
				return err
			}
		}
		if operation == "UpdateAlias" {
			target = s.other
		}
	case "RetireGrant", "RevokeGrant":
		return tx.PutGrant(store.Grant{
			ID: theGrant, Key: s.addr.KeyAddr, Created: m.Clock.Now(), IssuingAccount: acme, Grantee: bobARN,
			GranteeID: "user/AIDAEXAMPLE", GranteeAccount: acme, Operations: []string{"DescribeKey"},
		})
	case "DeleteAlias":
	default:
		return nil
	}
	return tx.PutAlias(store.Alias{Account: acme, Region: s.addr.Region, Name: s.alias(), TargetKeyID: target})
}

// theGrant is the id of a grant.
var theGrant = strings.Repeat("a1", 32)

// records are the key of a subject and, of a set, its sibling.
func (s subject) records(template store.Key, now time.Time, operation string) []store.Key {
	k := template
	k.Addr, k.State = s.addr.KeyAddr, string(s.state)
	if operation == "RotateKeyOnDemand" && s.kind.spec == spec.SymmetricDefault && s.kind.origin == spec.OriginExternal {
		next := k.Materials[0]
		imported := *next.Import
		imported.Pending = true
		next.ID, next.Import = theGrant, &imported
		k.Materials = append(slices.Clone(k.Materials), next)
	}
	sibling := k
	switch s.state {
	case lifecycle.PendingDeletion:
		k.DeletionDate, k.PriorState = now.Add(7*day), string(lifecycle.Enabled)
	case lifecycle.PendingReplicaDeletion:
		k.PendingWindowDays, k.PriorState = 7, string(lifecycle.Enabled)
	case lifecycle.Creating, lifecycle.Updating:
		k.MultiRegion.Settles = now.Add(day)
	case lifecycle.PendingImport:
		first := k.Materials[0]
		imported := *first.Import
		imported.Missing = true
		first.Import, first.Ref.Sealed = &imported, nil
		k.Materials = []store.Material{first}
	}
	set := store.MultiRegion{Primary: region, Replicas: []string{europe}}
	settles := k.MultiRegion.Settles
	switch s.kind.region {
	case "MANAGED":
		k.Manager = "AWS"
	case "PRIMARY":
		k.MultiRegion, sibling.MultiRegion = set, set
		k.MultiRegion.Type, sibling.MultiRegion.Type = "PRIMARY", "REPLICA"
	case "REPLICA":
		k.MultiRegion, sibling.MultiRegion = set, set
		k.MultiRegion.Type, sibling.MultiRegion.Type = "REPLICA", "PRIMARY"
	}
	k.MultiRegion.Settles = settles
	if k.MultiRegion.Type == "" {
		return []store.Key{k}
	}
	sibling.Addr, sibling.State = s.addr.sibling().KeyAddr, string(lifecycle.Enabled)
	if k.MultiRegion.Type == "PRIMARY" {
		return []store.Key{k, sibling}
	}
	return []store.Key{sibling, k}
}

// equip gives subjects what was made with a key like theirs.
func (m *makers) equip(t template, all map[string]subject) error {
	for operation, s := range all {
		var err error
		if s.helper, err = m.helper(s.addr.Region); err != nil {
			return err
		}
		if s.made, err = m.mades.of(s.kind, func() (made, error) { return m.make(all["Decrypt"]) }); err != nil {
			return err
		}
		if operation == "ImportKeyMaterial" && s.kind.origin == spec.OriginExternal {
			if s.token, err = m.tokens.of(s.kind, func() (importToken, error) { return m.parameters(s, t.secret) }); err != nil {
				return err
			}
		}
		all[operation] = s
	}
	return nil
}

// call asks and reads the answer.
func (m *makers) call(region, operation string, in, out any) error {
	status, answer := m.ask(alice, region, operation, in)
	if status != http.StatusOK {
		return fmt.Errorf("%s: %s", operation, answer)
	}
	return json.Unmarshal(answer, out)
}

// make uses a key that is enabled, and the helper where the key cannot be used
// so.
func (m *makers) make(s subject) (made, error) {
	h, err := m.helper(s.addr.Region)
	out := made{Ciphertext: h.blob, Signature: []byte("none"), Mac: []byte("none"), Public: []byte("none")}
	if err != nil {
		return out, err
	}
	in := stateRequests
	switch s.kind.usage {
	case spec.EncryptDecrypt:
		var sealed struct{ CiphertextBlob []byte }
		err = m.call(s.addr.Region, "Encrypt", in["Encrypt"](s), &sealed)
		out.Ciphertext = sealed.CiphertextBlob
	case spec.SignVerify:
		err = m.call(s.addr.Region, "Sign", in["Sign"](s), &out)
	case spec.GenerateVerifyMAC:
		err = m.call(s.addr.Region, "GenerateMac", in["GenerateMac"](s), &out)
	case spec.KeyAgreement:
		var public struct{ PublicKey []byte }
		err = m.call(s.addr.Region, "GetPublicKey", in["GetPublicKey"](s), &public)
		out.Public = public.PublicKey
	}
	return out, err
}

func (m *makers) helper(region string) (helper, error) {
	return m.helpers.of(region, func() (helper, error) {
		var key struct{ KeyMetadata struct{ Arn string } }
		var sealed struct{ CiphertextBlob []byte }
		err := m.call(region, "CreateKey", map[string]any{}, &key)
		if err == nil {
			err = m.call(region, "Encrypt", map[string]any{"KeyId": key.KeyMetadata.Arn, "Plaintext": []byte("p")}, &sealed)
		}
		return helper{key.KeyMetadata.Arn, sealed.CiphertextBlob}, err
	})
}

// template makes a key of a spec, usage and origin by the API.
func (m *makers) template(k keyKind) (template, error) {
	return m.templates.of(fmt.Sprint(k.spec, k.usage, k.origin), func() (t template, err error) {
		out, err := m.as(alice).CreateKey(m.ctx, &kms.CreateKeyInput{KeySpec: types.KeySpec(k.spec), KeyUsage: types.KeyUsageType(k.usage), Origin: types.OriginType(k.origin)})
		if err != nil {
			return t, err
		}
		addr := store.KeyAddr{Account: acme, Region: region, ID: *out.KeyMetadata.KeyId}
		if k.origin == spec.OriginExternal {
			if t.secret, err = m.secret(k.spec); err != nil {
				return t, err
			}
			s := subject{kind: k, addr: place{addr}}
			if s.token, err = m.parameters(s, t.secret); err != nil {
				return t, err
			}
			if err := m.call(region, "ImportKeyMaterial", stateRequests["ImportKeyMaterial"](s), new(any)); err != nil {
				return t, err
			}
		}
		err = m.Store.View(func(tx *store.Tx) error {
			t.key, err = tx.Key(addr)
			t.key.UsedTokens = nil
			return err
		})
		return t, err
	})
}

// secret is material of a spec.
func (m *makers) secret(s spec.KeySpec) ([]byte, error) {
	if !keypair.Known(s) {
		return material(7), nil // symmetric, or for HMAC_256
	}
	return m.secrets.of(s, func() ([]byte, error) {
		pair, err := keypair.Generate(s)
		return pair.Expose(), err
	})
}

// parameters gets a set of parameters for a key and wraps its material. A
// wrapping key of SM2 is made at once, but not for RSA.
func (m *makers) parameters(s subject, secret []byte) (t importToken, err error) {
	var set struct{ ImportToken, PublicKey []byte }
	if err := m.call(s.addr.Region, "GetParametersForImport", stateRequests["GetParametersForImport"](s), &set); err != nil {
		return t, err
	}
	t.token = set.ImportToken
	if s.kind.spec != spec.RSA2048 {
		parsed, err := smx509.ParsePKIXPublicKey(set.PublicKey)
		if err != nil {
			return t, err
		}
		t.material, err = sm2.EncryptASN1(rand.Reader, parsed.(*ecdsa.PublicKey), secret)
		return t, err
	}
	parsed, err := x509.ParsePKIXPublicKey(set.PublicKey)
	if err != nil {
		return t, err
	}
	kek := material(9)
	if t.material, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, parsed.(*rsa.PublicKey), kek, nil); err != nil {
		return t, err
	}
	wrapped, err := wrapPadded(kek, secret)
	t.material = append(t.material, wrapped...)
	return t, err
}

// wrapPadded wraps with AES (RFC 5649).
func wrapPadded(kek, plaintext []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	out := binary.BigEndian.AppendUint32([]byte{0xA6, 0x59, 0x59, 0xA6}, uint32(len(plaintext)))
	out = append(out, plaintext...)
	out = append(out, make([]byte, (8-len(plaintext)%8)%8)...)
	n := uint64(len(out)/8 - 1)
	for step := range 6 * n {
		at := 8 + 8*(step%n)
		var b [16]byte
		copy(b[:8], out)
		copy(b[8:], out[at:])
		block.Encrypt(b[:], b[:])
		binary.BigEndian.PutUint64(out, binary.BigEndian.Uint64(b[:])^(step+1))
		copy(out[at:], b[8:])
	}
	return out, nil
}
