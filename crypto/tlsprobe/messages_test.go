package tlsprobe

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServerMessagesAreReadStrictly(t *testing.T) {
	certificate := bytesOf(t, trace.certificate)[4:]
	verify := bytesOf(t, trace.certificateVerify)[4:]
	request := []byte{1, 7, 0, 0}
	parsers := map[string]struct {
		good  []byte
		parse func([]byte) error
	}{
		"EncryptedExtensions": {bytesOf(t, trace.encryptedExtensions)[4:], parseEncryptedExtensions},
		"CertificateRequest":  {request, func(b []byte) error { _, err := parseCertificateRequest(b); return err }},
		"Certificate":         {certificate, func(b []byte) error { _, err := parseCertificate(b); return err }},
		"CertificateVerify":   {verify, func(b []byte) error { _, _, err := parseCertificateVerify(b); return err }},
		"ServerHello":         {bytesOf(t, trace.serverHello)[4:], func(b []byte) error { _, err := parseServerHello(b); return err }},
	}
	for name, tt := range parsers {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, tt.parse(tt.good))
			for i := range tt.good {
				if name == "ServerHello" && i == 2+32+1+2+1 {
					continue // a hello of before TLS 1.3: its version is refused
				}
				assert.Error(t, tt.parse(tt.good[:i]), "first %d bytes", i)
			}
			assert.Error(t, tt.parse(append(bytes.Clone(tt.good), 0)), "with a byte after the end")
		})
	}
	_, err := parseCertificate([]byte{0, 0, 0, 0})
	assert.ErrorContains(t, err, "shows no certificate")
	_, err = parseCertificate([]byte{1, 7, 0, 0, 0})
	assert.ErrorContains(t, err, "malformed", "a context, which only a client's has")
}

// script is a connection on which the server's side is given.
type script struct {
	io.Reader
	io.Writer
}

// FuzzServer gives any bytes to every parser of what a server sends: records
// and messages before keys, and each message after.
func FuzzServer(f *testing.F) {
	f.Add(record(recordHandshake, bytesOf(f, trace.serverHello)...))
	f.Add(record(recordAlert, 2, 40))
	for _, text := range []string{trace.serverHello, trace.encryptedExtensions, trace.certificate, trace.certificateVerify} {
		f.Add(bytesOf(f, text)[4:])
	}
	f.Add([]byte{1, 7, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &records{conn: script{bytes.NewReader(b), io.Discard}}
		total := 0
		for {
			m, err := r.message()
			if err != nil {
				break
			}
			total += len(m.raw)
		}
		require.LessOrEqual(t, total, len(b))

		if h, err := parseServerHello(b); err == nil {
			require.LessOrEqual(t, len(h.share)+len(h.session), len(b))
			if info, ok := h.group.info(); ok {
				_, err := info.finish(make([]finish, len(info.parts)))(nil)
				require.Error(t, err, "an empty share")
			}
		}
		_ = parseEncryptedExtensions(b)
		_, _ = parseCertificateRequest(b)
		_, _, _ = parseCertificateVerify(b)
		if der, err := parseCertificate(b); err == nil {
			_, err := verifyCertificate(der, signatureSchemes[0], make([]byte, 32), b)
			require.Error(t, err)
		}
	})
}

// FuzzShare gives any bytes to a key exchange as the server's share.
func FuzzShare(f *testing.F) {
	for i := range groups {
		f.Add(byte(i), make([]byte, 32))
		f.Add(byte(i), bytes.Repeat([]byte{4}, 1200))
	}
	f.Fuzz(func(t *testing.T, group byte, share []byte) {
		info := groups[int(group)%len(groups)]
		_, finish, err := info.id.start(bytes.NewReader(make([]byte, 1000)))
		if err != nil {
			t.Skip("no key from such randomness")
		}
		secret, err := finish(share)
		size := 0
		for _, p := range info.parts {
			size += p.peer
		}
		if len(share) != size {
			require.Error(t, err)
		}
		if err == nil {
			require.NotEmpty(t, secret)
		}
	})
}
