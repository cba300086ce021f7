package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"log/slog"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/wire"
)

// A signingKey signs the requests of one secret for one day, Region and
// service. It does not print.
type signingKey [sha256.Size]byte

const hidden = "secret"

func (signingKey) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(hidden)) } // a State's Write has no error to report
func (signingKey) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (signingKey) MarshalText() ([]byte, error) { return []byte(hidden), nil }

func deriveKey(secret seal.Secret, date, region, service string) signingKey {
	plain := secret.Expose()
	start := make([]byte, 0, 64)
	start = append(append(start, "AWS4"...), plain...)
	key := hmacSum(start, date)
	clear(start)
	key = hmacSum(key[:], region)
	key = hmacSum(key[:], service)
	return hmacSum(key[:], terminator)
}

func hmacSum(key []byte, message string) (sum signingKey) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	mac.Sum(sum[:0])
	return sum
}

// A signer signs with one key. It keeps what it has made of the key, so that a
// signature does not begin with that. Printed it shows nothing of the key. Safe
// for concurrent use.
type signer struct {
	idle sync.Pool // of *keyed
}

// keyed is the HMAC of a key, with room for its sum.
type keyed struct {
	mac hash.Hash
	sum [sha256.Size]byte
}

func newSigner(key signingKey) *signer {
	return &signer{idle: sync.Pool{New: func() any { return &keyed{mac: hmac.New(sha256.New, key[:])} }}}
}

func (s *signer) sign(message []byte) [sha256.Size]byte {
	k := s.idle.Get().(*keyed)
	defer s.idle.Put(k)
	k.mac.Reset()
	k.mac.Write(message)
	k.mac.Sum(k.sum[:0])
	return k.sum
}

// A cacheKey is the digest of a secret and a scope: the secret itself stays
// with its owner.
type cacheKey [sha256.Size]byte

func makeCacheKey(secret seal.Secret, s Signature) cacheKey {
	b := make([]byte, 0, 128)
	for _, part := range []string{s.Date, s.Region, s.Service} {
		b = append(b, part...)
		b = append(b, 0) // cannot occur in a scope
	}
	b = append(b, secret.Expose()...)
	sum := sha256.Sum256(b)
	clear(b)
	return sum
}

// A Cache remembers the derived keys of signatures that were right, so that a
// busy client costs one HMAC a request instead of five. It holds at most the
// number of keys that NewCache was given, in two generations: when the young
// one is full, or a new day has begun, the old one is dropped. It is safe for
// concurrent use.
type Cache struct {
	half int

	mu    sync.Mutex
	day   string // the latest day seen
	young map[cacheKey]*signer
	old   map[cacheKey]*signer
}

// NewCache makes a Cache of at most limit keys, and of at least two.
func NewCache(limit int) *Cache {
	return &Cache{half: max(limit/2, 1), young: map[cacheKey]*signer{}}
}

// Verify is Signature.Verify.
func (c *Cache) Verify(s Signature, r wire.Request, secret seal.Secret, now time.Time) *wire.Error {
	id := makeCacheKey(secret, s)
	key, known := c.lookup(id)
	if !known {
		key = newSigner(deriveKey(secret, s.Date, s.Region, s.Service))
	}
	if err := s.verify(r, now, key); err != nil {
		return err
	}
	if !known {
		c.keep(id, key, s.Date)
	}
	return nil
}

func (c *Cache) lookup(id cacheKey) (*signer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key, ok := c.young[id]; ok {
		return key, true
	}
	key, ok := c.old[id]
	if ok && len(c.young) < c.half {
		c.young[id] = key
	}
	return key, ok
}

func (c *Cache) keep(id cacheKey, key *signer, day string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.half || day > c.day {
		c.old, c.young = c.young, map[cacheKey]*signer{}
		c.day = max(c.day, day)
	}
	c.young[id] = key
}
