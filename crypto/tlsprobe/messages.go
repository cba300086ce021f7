package tlsprobe

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// Handshake messages and extensions, RFC 8446 sections 4 and 4.2.
const (
	kindClientHello         = 1
	kindServerHello         = 2
	kindEncryptedExtensions = 8
	kindCertificate         = 11
	kindCertificateRequest  = 13
	kindCertificateVerify   = 15
	kindFinished            = 20

	extensionServerName          = 0
	extensionSupportedGroups     = 10
	extensionSignatureAlgorithms = 13
	extensionSupportedVersions   = 43
	extensionKeyShare            = 51
)

// retryRandom marks a ServerHello as HelloRetryRequest, RFC 8446 section 4.1.3.
var retryRandom = []byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// A clientHello is what we offer.
type clientHello struct {
	random, session []byte // 32 bytes each
	serverName      string // "": none
	suites          []CipherSuite
	groups          []Group
	shares          [][]byte // one for each group
}

// marshal writes the message with its header.
func (h clientHello) marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(kindClientHello)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint16(tls.VersionTLS12) // legacy_version
		b.AddBytes(h.random)
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(h.session) })
		addList(b, h.suites)
		b.AddBytes([]byte{1, 0}) // no compression
		b.AddUint16LengthPrefixed(h.addExtensions)
	})
	return b.Bytes()
}

func (h clientHello) addExtensions(b *cryptobyte.Builder) {
	if h.serverName != "" {
		addExtension(b, extensionServerName, func(b *cryptobyte.Builder) {
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
				b.AddUint8(0) // host_name
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes([]byte(h.serverName)) })
			})
		})
	}
	addExtension(b, extensionSupportedGroups, func(b *cryptobyte.Builder) { addList(b, h.groups) })
	addExtension(b, extensionSignatureAlgorithms, func(b *cryptobyte.Builder) { addList(b, signatureSchemes) })
	addExtension(b, extensionSupportedVersions, func(b *cryptobyte.Builder) {
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddUint16(tls.VersionTLS13) })
	})
	addExtension(b, extensionKeyShare, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for i, share := range h.shares {
				b.AddUint16(uint16(h.groups[i]))
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(share) })
			}
		})
	})
}

func addExtension(b *cryptobyte.Builder, id uint16, content func(*cryptobyte.Builder)) {
	b.AddUint16(id)
	b.AddUint16LengthPrefixed(content)
}

func addList[T ~uint16](b *cryptobyte.Builder, list []T) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for _, v := range list {
			b.AddUint16(uint16(v))
		}
	})
}

// A serverHello is what the server chose. version is TLS 1.3 or, for a server
// that does not know it, the one it would speak; then the rest is not read.
type serverHello struct {
	version Version
	retry   bool // it is a HelloRetryRequest
	session []byte
	suite   CipherSuite
	group   Group
	share   []byte
}

func parseServerHello(body []byte) (serverHello, error) {
	var (
		s              = cryptobyte.String(body)
		version, suite uint16
		random         []byte
		session        cryptobyte.String
		compression    uint8
	)
	if !s.ReadUint16(&version) || !s.ReadBytes(&random, 32) || !s.ReadUint8LengthPrefixed(&session) ||
		!s.ReadUint16(&suite) || !s.ReadUint8(&compression) {
		return serverHello{}, errors.New("server's hello is cut short")
	}
	h := serverHello{
		version: Version(version),
		retry:   bytes.Equal(random, retryRandom),
		session: session,
		suite:   CipherSuite(suite),
	}
	if s.Empty() { // a server that knows no extensions
		return h, nil
	}
	extensions, err := readExtensions(&s)
	if err != nil {
		return serverHello{}, err
	}
	if !s.Empty() || compression != 0 {
		return serverHello{}, errors.New("server's hello is malformed")
	}
	if selected, ok := extensions[extensionSupportedVersions]; ok {
		if version != tls.VersionTLS12 || !selected.ReadUint16(&version) || !selected.Empty() {
			return serverHello{}, errors.New("server's choice of version is malformed")
		}
		h.version = Version(version)
	}
	if share, ok := extensions[extensionKeyShare]; ok && !h.retry {
		if !share.ReadUint16((*uint16)(&h.group)) || !share.ReadUint16LengthPrefixed((*cryptobyte.String)(&h.share)) || !share.Empty() {
			return serverHello{}, errors.New("server's key share is malformed")
		}
	}
	return h, nil
}

// readExtensions reads a list of extensions, RFC 8446 section 4.2, in which
// none comes twice.
func readExtensions(s *cryptobyte.String) (map[uint16]cryptobyte.String, error) {
	var list cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&list) {
		return nil, errors.New("server's extensions are cut short")
	}
	extensions := map[uint16]cryptobyte.String{}
	for !list.Empty() {
		var id uint16
		var data cryptobyte.String
		if !list.ReadUint16(&id) || !list.ReadUint16LengthPrefixed(&data) {
			return nil, errors.New("server's extensions are cut short")
		}
		if _, ok := extensions[id]; ok {
			return nil, fmt.Errorf("server sends extension %d twice", id)
		}
		extensions[id] = data
	}
	return extensions, nil
}

// parseEncryptedExtensions only checks the form: nothing in them matters here.
func parseEncryptedExtensions(body []byte) error {
	s := cryptobyte.String(body)
	if _, err := readExtensions(&s); err != nil {
		return err
	}
	if !s.Empty() {
		return errors.New("server's encrypted extensions are malformed")
	}
	return nil
}

// parseCertificateRequest returns the context that our answer must repeat.
func parseCertificateRequest(body []byte) ([]byte, error) {
	s := cryptobyte.String(body)
	var context cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&context) {
		return nil, errors.New("server's request for a certificate is cut short")
	}
	if _, err := readExtensions(&s); err != nil {
		return nil, err
	}
	if !s.Empty() {
		return nil, errors.New("server's request for a certificate is malformed")
	}
	return context, nil
}

// parseCertificate returns the server's own certificate, in DER. Those of its
// issuers are only checked for their form.
func parseCertificate(body []byte) ([]byte, error) {
	s := cryptobyte.String(body)
	var context, list cryptobyte.String
	if !s.ReadUint8LengthPrefixed(&context) || len(context) > 0 || !s.ReadUint24LengthPrefixed(&list) || !s.Empty() {
		return nil, errors.New("server's certificate message is malformed")
	}
	var chain [][]byte
	for !list.Empty() {
		var der cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) || der.Empty() {
			return nil, errors.New("server's certificate message is cut short")
		}
		if _, err := readExtensions(&list); err != nil {
			return nil, err
		}
		chain = append(chain, der)
	}
	if len(chain) == 0 {
		return nil, errors.New("server shows no certificate")
	}
	return chain[0], nil
}

// parseCertificateVerify returns the server's signature.
func parseCertificateVerify(body []byte) (tls.SignatureScheme, []byte, error) {
	s := cryptobyte.String(body)
	var scheme uint16
	var signature cryptobyte.String
	if !s.ReadUint16(&scheme) || !s.ReadUint16LengthPrefixed(&signature) || !s.Empty() {
		return 0, nil, errors.New("server's signature message is malformed")
	}
	return tls.SignatureScheme(scheme), signature, nil
}

// certificateMessage is our Certificate without any, and finishedMessage our
// Finished.
func certificateMessage(context []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(kindCertificate)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) {
		b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(context) })
		b.AddUint24(0)
	})
	return b.Bytes()
}

func finishedMessage(verifyData []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(kindFinished)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(verifyData) })
	return b.Bytes()
}
