package server

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDevelopmentCertificateIsUsedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	now := time.Now()
	first, err := LoadDevelopment(dir, []string{"kms.test", "192.0.2.7"}, now)
	require.NoError(t, err)
	leaf := first.Certificate.Leaf
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "kms.test", "192.0.2.7"} {
		require.NoError(t, leaf.VerifyHostname(host), host)
	}
	pem, err := os.ReadFile(first.AuthorityFile)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, DNSName: "kms.test"})
	require.NoError(t, err)
	for file, mode := range map[string]os.FileMode{authorityFile: 0o600, leafFile: 0o600, publicFile: 0o644} {
		info, err := os.Stat(filepath.Join(dir, file))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), file)
	}

	again, err := LoadDevelopment(dir, []string{"kms.test"}, now.Add(24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, first.Certificate.Certificate, again.Certificate.Certificate)
}

func TestDevelopmentCertificateIsRenewedUnderTheSameAuthority(t *testing.T) {
	rows := []struct {
		name  string
		hosts []string
		later time.Duration
	}{
		{"when a host is added", []string{"new.test"}, 0},
		{"when its end is near", nil, leafLife - leafRenewal + time.Hour},
		{"when its end has passed", nil, 2 * leafLife},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			dir, now := t.TempDir(), time.Now()
			first, err := LoadDevelopment(dir, nil, now)
			require.NoError(t, err)
			second, err := LoadDevelopment(dir, r.hosts, now.Add(r.later))
			require.NoError(t, err)
			require.NotEqual(t, first.Certificate.Certificate[0], second.Certificate.Certificate[0])
			require.Equal(t, first.Certificate.Certificate[1], second.Certificate.Certificate[1])
			require.True(t, now.Add(r.later).Before(second.Certificate.Leaf.NotAfter))
		})
	}
}

func TestDevelopmentKeyThatOthersMayReadIsRefused(t *testing.T) {
	for _, file := range []string{authorityFile, leafFile} {
		dir := t.TempDir()
		_, err := LoadDevelopment(dir, nil, time.Now())
		require.NoError(t, err)
		require.NoError(t, os.Chmod(filepath.Join(dir, file), 0o640))
		_, err = LoadDevelopment(dir, nil, time.Now())
		require.ErrorContains(t, err, "has mode 0640; others than its owner must not read it (0600)")
	}
}

func TestDamagedDevelopmentKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	_, err := LoadDevelopment(dir, nil, time.Now())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, authorityFile), []byte("?"), 0o600))
	_, err = LoadDevelopment(dir, nil, time.Now())
	require.ErrorContains(t, err, "is damaged; remove it to have another made")
}
