package tlsprobe

import (
	"crypto/ecdh"
	"crypto/tls"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The messages and secrets are those of RFC 8448 section 3, "Simple 1-RTT
// Handshake" (IETF Trust, code components under the revised BSD licence).
var trace = struct {
	clientHello, serverHello, encryptedExtensions, certificate, certificateVerify, serverFinished string
	clientPrivate, clientTraffic, serverTraffic, serverKey, serverIV, clientFinished, application string
}{
	clientHello: `010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283
		024dece7000006130113031302010000910000000b0009000006736572766572ff01
		000100000a00140012001d0017001800190100010101020103010400230000003300
		260024001d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d541369
		1e529aaf2c002b0003020304000d0020001e04030503060302030804080508060401
		05010601020104020502060202 02002d00020101001c00024001`,
	serverHello: `020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772e
		d3e269280013010000 2e00330024001d0020c9828876112095fe66762bdbf7c672e1
		56d6cc253b833df1dd69b1b04e751f0f002b00020304`,
	encryptedExtensions: `080000240022000a00140012001d00170018001901000101010201030104001c0002
		400100000000`,
	certificate: `0b0001b9000001b50001b0308201ac30820115a003020102020102300d06092a8648
		86f70d01010b0500300e310c300a06035504031303727361301e170d313630373330
		3031323335395a170d3236303733303031323335395a300e310c300a060355040313
		0372736130819f300d06092a864886f70d010101050003818d0030818902818100b4
		bb498f8279303d980836399b36c6988c0c68de55e1bdb826d3901a2461eafd2de49a
		91d015abbc9a95137ace6c1af19eaa6af98c7ced43120998e187a80ee0ccb0524b1b
		018c3e0b63264d449a6d38e22a5fda430846748030530ef0461c8ca9d9efbfae8ea6
		d1d03e2bd193eff0ab9a8002c47428a6d35a8d88d79f7f1e3f0203010001a31a3018
		30090603551d1304023000300b0603551d0f0404030205a0300d06092a864886f70d
		01010b05000381810085aad2a0e5b9276b908c65f73a7267170618a54c5f8a7b337d
		2df7a594365417f2eae8f8a58c8f8172f9319cf36b7fd6c55b80f21a030151567260
		96fd335e5e67f2dbf102702e608ccae6bec1fc63a42a99be5c3eb7107c3c54e9b9eb
		2bd5203b1c3b84e0a8b2f759409ba3eac9d91d402dcc0cc8f8961229ac9187b42b4d
		e10000`,
	certificateVerify: `0f000084080400805a747c5d88fa9bd2e55ab085a61015b7211f824cd484145ab3ff
		52f1fda8477b0b7abc90db78e2d33a5c141a078653fa6bef780c5ea248eeaaa785c4
		f394cab6d30bbe8d4859ee511f602957b15411ac027671459e46445c9ea58c181e81
		8e95b8c3fb0bf3278409d3be152a3da5043e063dda65cdf5aea20d53dfacd42f74f3`,
	serverFinished: `140000209b9b141d906337fbd2cbdce71df4deda4ab42c309572cb7fffee5454b78f
		0718`,
	clientPrivate:  "49af42ba7f7994852d713ef2784bcbcaa7911de26adc5642cb634540e7ea5005",
	clientTraffic:  "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
	serverTraffic:  "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
	serverKey:      "3fce516009c21727d0f2e4e86ee403bc",
	serverIV:       "5d313eb2671276ee13000b30",
	clientFinished: "a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61",
	application:    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
}

func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	require.NoError(t, err)
	return b
}

func TestHandshakeOfRFC8448(t *testing.T) {
	private, err := ecdh.X25519().NewPrivateKey(bytesOf(t, trace.clientPrivate))
	require.NoError(t, err)
	transcript := bytesOf(t, trace.clientHello)
	add := func(text string) (body []byte) {
		raw := bytesOf(t, text)
		transcript = append(transcript, raw...)
		return raw[4:]
	}

	hello, err := parseServerHello(add(trace.serverHello))
	require.NoError(t, err)
	assert.Equal(t, Version(tls.VersionTLS13), hello.version)
	assert.Equal(t, X25519, hello.group)
	assert.Equal(t, aes128, hello.suite)
	public, err := ecdh.X25519().NewPublicKey(hello.share)
	require.NoError(t, err)
	shared, err := private.ECDH(public)
	require.NoError(t, err)

	s, err := newSchedule(suites[hello.suite], shared, transcript)
	require.NoError(t, err)
	assert.Equal(t, trace.clientTraffic, hex.EncodeToString(s.client))
	assert.Equal(t, trace.serverTraffic, hex.EncodeToString(s.server))
	key, err := s.suite.expandLabel(s.server, "key", nil, s.suite.keySize)
	require.NoError(t, err)
	assert.Equal(t, trace.serverKey, hex.EncodeToString(key))
	p, err := s.protection(s.server)
	require.NoError(t, err)
	assert.Equal(t, trace.serverIV, hex.EncodeToString(p.iv))

	require.NoError(t, parseEncryptedExtensions(add(trace.encryptedExtensions)))
	der, err := parseCertificate(add(trace.certificate))
	require.NoError(t, err)
	sum := s.suite.sum(transcript)
	scheme, signature, err := parseCertificateVerify(add(trace.certificateVerify))
	require.NoError(t, err)
	certificate, err := verifyCertificate(der, scheme, sum, signature)
	require.NoError(t, err)
	assert.Equal(t, "rsa", certificate.Subject.CommonName)

	finished, err := s.finished(s.server, transcript)
	require.NoError(t, err)
	assert.Equal(t, hex.EncodeToString(add(trace.serverFinished)), hex.EncodeToString(finished))
	finished, err = s.finished(s.client, transcript)
	require.NoError(t, err)
	assert.Equal(t, trace.clientFinished, hex.EncodeToString(finished))
	application, err := s.application(transcript)
	require.NoError(t, err)
	assert.Equal(t, trace.application, hex.EncodeToString(application))
}

func TestSignatureIsVerified(t *testing.T) {
	der, err := parseCertificate(bytesOf(t, trace.certificate)[4:])
	require.NoError(t, err)
	scheme, signature, err := parseCertificateVerify(bytesOf(t, trace.certificateVerify)[4:])
	require.NoError(t, err)
	transcript := bytesOf(t, trace.clientHello+trace.serverHello+trace.encryptedExtensions+trace.certificate)
	sum := suites[aes128].sum(transcript)
	_, err = verifyCertificate(der, scheme, sum, signature)
	require.NoError(t, err)

	wrong := append([]byte{signature[0] ^ 1}, signature[1:]...)
	_, err = verifyCertificate(der, scheme, sum, wrong)
	require.ErrorContains(t, err, "does not verify")
	_, err = verifyCertificate(der, scheme, suites[aes128].sum(transcript[1:]), signature)
	require.ErrorContains(t, err, "does not verify")
	for _, other := range []tls.SignatureScheme{tls.PSSWithSHA384, tls.ECDSAWithP256AndSHA256, tls.Ed25519} {
		_, err = verifyCertificate(der, other, sum, signature)
		require.ErrorContains(t, err, "does not verify", "%s", other)
	}
	for _, other := range []tls.SignatureScheme{tls.PKCS1WithSHA256, tls.ECDSAWithSHA1, 0} {
		_, err = verifyCertificate(der, other, sum, signature)
		require.ErrorContains(t, err, "not offered", "%s", other)
	}
	_, err = verifyCertificate(der[1:], scheme, sum, signature)
	require.ErrorContains(t, err, "reading the server's certificate")
}
