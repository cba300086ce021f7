package server

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The files of a development authority, in its directory. Each key lies in one
// file with its certificates, so that the two cannot be of different age.
const (
	authorityFile = "authority-key.pem" // 0600: key, then certificate
	publicFile    = "authority.pem"     // 0644: certificate, for clients to trust
	leafFile      = "server-key.pem"    // 0600: key, then certificate, then the authority's
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 397 * 24 * time.Hour // clients refuse more than 398 days
	leafRenewal   = 30 * 24 * time.Hour  // before its end
)

// Development is a certificate of our own making, for trying things out.
type Development struct {
	Certificate   tls.Certificate
	AuthorityFile string // PEM certificate that clients need to trust
}

// LoadDevelopment returns the certificate of a development authority that
// lives in dir: for localhost, 127.0.0.1, ::1 and hosts, each a name or an IP
// address. What is missing is made, with mode 0600 for keys; what is there is
// used again, so that clients go on trusting it. The certificate of the server
// is made anew when a host is added or its end is near. It refuses key files
// that others may read.
func LoadDevelopment(dir string, hosts []string, now time.Time) (Development, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Development{}, fmt.Errorf("making the TLS directory: %w", err)
	}
	authority, err := loadOrMake(filepath.Join(dir, authorityFile), func(c *x509.Certificate) bool { return now.Before(c.NotAfter) },
		func() (tls.Certificate, error) { return newAuthority(now) })
	if err != nil {
		return Development{}, err
	}
	public := filepath.Join(dir, publicFile)
	if err := replace(public, certificatePEM(authority.Certificate), 0o644); err != nil {
		return Development{}, err
	}
	hosts = append([]string{"localhost", "127.0.0.1", "::1"}, hosts...)
	leaf, err := loadOrMake(filepath.Join(dir, leafFile), func(c *x509.Certificate) bool { return serves(c, authority.Leaf, hosts, now) },
		func() (tls.Certificate, error) { return newLeaf(authority, hosts, now) })
	if err != nil {
		return Development{}, err
	}
	return Development{Certificate: leaf, AuthorityFile: public}, nil
}

// serves says whether c can still be the server's certificate.
func serves(c, authority *x509.Certificate, hosts []string, now time.Time) bool {
	unnamed := slices.ContainsFunc(hosts, func(h string) bool { return c.VerifyHostname(h) != nil })
	return !unnamed && now.Before(c.NotAfter.Add(-leafRenewal)) && c.CheckSignatureFrom(authority) == nil
}

// loadOrMake returns the certificate and key in the file if usable says so,
// and otherwise makes and stores new ones.
func loadOrMake(path string, usable func(*x509.Certificate) bool, generate func() (tls.Certificate, error)) (tls.Certificate, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return tls.Certificate{}, fmt.Errorf("looking for the TLS key: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return tls.Certificate{}, fmt.Errorf("TLS key %s has mode %04o; others than its owner must not read it (0600)", path, info.Mode().Perm())
	default:
		c, err := tls.LoadX509KeyPair(path, path)
		if err != nil {
			return tls.Certificate{}, fmt.Errorf("TLS key %s is damaged; remove it to have another made: %w", path, err)
		}
		if usable(c.Leaf) {
			return c, nil
		}
	}
	c, err := generate()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making %s: %w", path, err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making %s: %w", path, err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), certificatePEM(c.Certificate)...)
	return c, replace(path, text, 0o600)
}

func newAuthority(now time.Time) (tls.Certificate, error) {
	return newCertificate(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "keyreeve development authority"},
		NotAfter:              now.Add(authorityLife),
		IsCA:                  true,
		MaxPathLenZero:        true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, nil, now)
}

func newLeaf(authority tls.Certificate, hosts []string, now time.Time) (tls.Certificate, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "keyreeve"},
		NotAfter:              now.Add(leafLife),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	if authority.Leaf.NotAfter.Before(template.NotAfter) {
		template.NotAfter = authority.Leaf.NotAfter
	}
	return newCertificate(template, &authority, now)
}

// newCertificate makes a key and its certificate, signed by issuer, or by
// itself without one. An hour back allows for clocks that are late.
func newCertificate(template *x509.Certificate, issuer *tls.Certificate, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return tls.Certificate{}, err
	}
	template.NotBefore = now.Add(-time.Hour)
	parent, signer, chain := template, crypto.PrivateKey(key), [][]byte(nil)
	if issuer != nil {
		parent, signer, chain = issuer.Leaf, issuer.PrivateKey, issuer.Certificate
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: append([][]byte{der}, chain...), PrivateKey: key, Leaf: leaf}, nil
}

func certificatePEM(chain [][]byte) []byte {
	var b bytes.Buffer
	for _, der := range chain {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return b.Bytes()
}

// replace writes a file whole or not at all.
func replace(path string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first failure is the one to tell
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
