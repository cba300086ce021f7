package tlsprobe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"
)

// A suite is what a cipher suite of TLS 1.3 stands for.
type suite struct {
	hash    func() hash.Hash
	keySize int
	aead    func(key []byte) (cipher.AEAD, error)
}

const (
	aes128   = CipherSuite(tls.TLS_AES_128_GCM_SHA256)
	aes256   = CipherSuite(tls.TLS_AES_256_GCM_SHA384)
	chacha20 = CipherSuite(tls.TLS_CHACHA20_POLY1305_SHA256)
)

var suites = map[CipherSuite]suite{
	aes128:   {sha256.New, 16, newGCM},
	aes256:   {sha512.New384, 32, newGCM},
	chacha20: {sha256.New, chacha20poly1305.KeySize, chacha20poly1305.New},
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sum is Transcript-Hash of RFC 8446 section 4.4.1.
func (s suite) sum(transcript []byte) []byte {
	h := s.hash()
	_, _ = h.Write(transcript) // a hash.Hash never errs
	return h.Sum(nil)
}

// expandLabel is HKDF-Expand-Label of RFC 8446 section 7.1.
func (s suite) expandLabel(secret []byte, label string, context []byte, size int) ([]byte, error) {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(size)) // the size of a key or hash
	info = append(info, byte(len(label)))
	info = append(info, label...)
	info = append(info, byte(len(context)))
	info = append(info, context...)
	return hkdf.Expand(s.hash, secret, string(info), size)
}

// derive is Derive-Secret of RFC 8446 section 7.1.
func (s suite) derive(secret []byte, label string, transcript []byte) ([]byte, error) {
	return s.expandLabel(secret, label, s.sum(transcript), s.hash().Size())
}

// A schedule is the key schedule of RFC 8446 section 7.1, without a pre-shared
// key, from the handshake secret on.
type schedule struct {
	suite  suite
	secret []byte // the handshake secret
	client []byte // client_handshake_traffic_secret
	server []byte // server_handshake_traffic_secret
}

// newSchedule takes the shared secret of the key exchange and the transcript up
// to the ServerHello.
func newSchedule(s suite, shared, transcript []byte) (*schedule, error) {
	zero := make([]byte, s.hash().Size())
	early, err1 := hkdf.Extract(s.hash, zero, nil)
	salt, err2 := s.derive(early, "derived", nil)
	secret, err3 := hkdf.Extract(s.hash, shared, salt)
	client, err4 := s.derive(secret, "c hs traffic", transcript)
	server, err5 := s.derive(secret, "s hs traffic", transcript)
	return &schedule{suite: s, secret: secret, client: client, server: server}, errors.Join(err1, err2, err3, err4, err5)
}

// application returns client_application_traffic_secret_0. The transcript goes
// up to the server's Finished.
func (s *schedule) application(transcript []byte) ([]byte, error) {
	salt, err1 := s.suite.derive(s.secret, "derived", nil)
	master, err2 := hkdf.Extract(s.suite.hash, make([]byte, s.suite.hash().Size()), salt)
	client, err3 := s.suite.derive(master, "c ap traffic", transcript)
	return client, errors.Join(err1, err2, err3)
}

// finished is verify_data of RFC 8446 section 4.4.4 under a traffic secret.
func (s *schedule) finished(traffic, transcript []byte) ([]byte, error) {
	key, err := s.suite.expandLabel(traffic, "finished", nil, s.suite.hash().Size())
	mac := hmac.New(s.suite.hash, key)
	_, _ = mac.Write(s.suite.sum(transcript)) // a hash.Hash never errs
	return mac.Sum(nil), err
}

// A protection encrypts or decrypts the records of one direction, RFC 8446
// section 5.2 and 5.3.
type protection struct {
	aead     cipher.AEAD
	iv       []byte
	sequence uint64
}

func (s *schedule) protection(traffic []byte) (*protection, error) {
	key, err1 := s.suite.expandLabel(traffic, "key", nil, s.suite.keySize)
	iv, err2 := s.suite.expandLabel(traffic, "iv", nil, 12)
	aead, err3 := s.suite.aead(key)
	return &protection{aead: aead, iv: iv}, errors.Join(err1, err2, err3)
}

// nonce returns the nonce of the next record.
func (p *protection) nonce() []byte {
	nonce := make([]byte, len(p.iv))
	binary.BigEndian.PutUint64(nonce[len(nonce)-8:], p.sequence)
	for i := range nonce {
		nonce[i] ^= p.iv[i]
	}
	p.sequence++
	return nonce
}
