package tlsprobe

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// signatureSchemes are those that we offer. The server may sign its handshake
// with those in verifiers; the others are for signatures within its chain,
// which nobody checks here, but which some servers want to see offered.
var signatureSchemes = []tls.SignatureScheme{
	tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512, tls.Ed25519,
	tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512,
	tls.PKCS1WithSHA256, tls.PKCS1WithSHA384, tls.PKCS1WithSHA512,
}

// A verifier tells whether a signature over signed is of the public key.
type verifier func(public any, signed, signature []byte) bool

var verifiers = map[tls.SignatureScheme]verifier{
	tls.ECDSAWithP256AndSHA256: ecdsaVerifier(elliptic.P256(), crypto.SHA256),
	tls.ECDSAWithP384AndSHA384: ecdsaVerifier(elliptic.P384(), crypto.SHA384),
	tls.ECDSAWithP521AndSHA512: ecdsaVerifier(elliptic.P521(), crypto.SHA512),
	tls.PSSWithSHA256:          pssVerifier(crypto.SHA256),
	tls.PSSWithSHA384:          pssVerifier(crypto.SHA384),
	tls.PSSWithSHA512:          pssVerifier(crypto.SHA512),
	tls.Ed25519: func(public any, signed, signature []byte) bool {
		key, ok := public.(ed25519.PublicKey)
		return ok && ed25519.Verify(key, signed, signature)
	},
}

func ecdsaVerifier(curve elliptic.Curve, hash crypto.Hash) verifier {
	return func(public any, signed, signature []byte) bool {
		key, ok := public.(*ecdsa.PublicKey)
		return ok && key.Curve == curve && ecdsa.VerifyASN1(key, digest(hash, signed), signature)
	}
}

func pssVerifier(hash crypto.Hash) verifier {
	return func(public any, signed, signature []byte) bool {
		key, ok := public.(*rsa.PublicKey)
		return ok && rsa.VerifyPSS(key, hash, digest(hash, signed), signature,
			&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
}

func digest(hash crypto.Hash, b []byte) []byte {
	h := hash.New()
	_, _ = h.Write(b) // a hash.Hash never errs
	return h.Sum(nil)
}

// verifyCertificate checks that the owner of the certificate signed the
// transcript, given as its hash: CertificateVerify, RFC 8446 section 4.4.3.
func verifyCertificate(der []byte, scheme tls.SignatureScheme, transcriptHash, signature []byte) (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading the server's certificate: %w", err)
	}
	verify, ok := verifiers[scheme]
	if !ok {
		return nil, fmt.Errorf("server signs with %s, which was not offered for it", scheme)
	}
	signed := append([]byte(strings.Repeat(" ", 64)+"TLS 1.3, server CertificateVerify\x00"), transcriptHash...)
	if !verify(certificate.PublicKey, signed, signature) {
		return nil, errors.New("server's signature does not verify under its certificate")
	}
	return certificate, nil
}
