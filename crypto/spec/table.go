package spec

var (
	rsaEncryption = []Algorithm{RSAESOAEPSHA1, RSAESOAEPSHA256}
	rsaSigning    = []Algorithm{
		RSASSAPKCS1SHA256, RSASSAPKCS1SHA384, RSASSAPKCS1SHA512,
		RSASSAPSSSHA256, RSASSAPSSSHA384, RSASSAPSSSHA512,
	}
	rsaUses = []use{{EncryptDecrypt, rsaEncryption}, {SignVerify, rsaSigning}}
)

// table is the whole vocabulary (Guide, Key spec reference).
var table = []Entry{
	{Spec: SymmetricDefault, Bits: 256, uses: []use{{EncryptDecrypt, []Algorithm{EncryptSymmetricDefault}}}},

	{Spec: RSA2048, Bits: 2048, Pair: true, uses: rsaUses},
	{Spec: RSA3072, Bits: 3072, Pair: true, uses: rsaUses},
	{Spec: RSA4096, Bits: 4096, Pair: true, uses: rsaUses},

	{Spec: ECCNISTP256, Bits: 256, Pair: true, uses: curveUses(ECDSASHA256)},
	{Spec: ECCNISTP384, Bits: 384, Pair: true, uses: curveUses(ECDSASHA384)},
	{Spec: ECCNISTP521, Bits: 521, Pair: true, uses: curveUses(ECDSASHA512)},
	{Spec: ECCNISTEdwards25519, Bits: 255, Pair: true, uses: []use{{SignVerify, []Algorithm{ED25519SHA512, ED25519PHSHA512}}}},
	{Spec: ECCSECGP256K1, Bits: 256, Pair: true, uses: []use{{SignVerify, []Algorithm{ECDSASHA256}}}},

	{Spec: SM2, Bits: 256, Pair: true, uses: []use{
		{EncryptDecrypt, []Algorithm{SM2PKE}},
		{SignVerify, []Algorithm{SM2DSA}},
		{KeyAgreement, []Algorithm{ECDH}},
	}},

	{Spec: HMAC224, Bits: 224, uses: []use{{GenerateVerifyMAC, []Algorithm{HMACSHA224}}}},
	{Spec: HMAC256, Bits: 256, uses: []use{{GenerateVerifyMAC, []Algorithm{HMACSHA256}}}},
	{Spec: HMAC384, Bits: 384, uses: []use{{GenerateVerifyMAC, []Algorithm{HMACSHA384}}}},
	{Spec: HMAC512, Bits: 512, uses: []use{{GenerateVerifyMAC, []Algorithm{HMACSHA512}}}},

	{Spec: MLDSA44, Bits: 44, uses: []use{{SignVerify, []Algorithm{MLDSASHAKE256}}}},
	{Spec: MLDSA65, Bits: 65, uses: []use{{SignVerify, []Algorithm{MLDSASHAKE256}}}},
	{Spec: MLDSA87, Bits: 87, uses: []use{{SignVerify, []Algorithm{MLDSASHAKE256}}}},
}

// curveUses are the uses of a NIST curve.
func curveUses(signing Algorithm) []use {
	return []use{{SignVerify, []Algorithm{signing}}, {KeyAgreement, []Algorithm{ECDH}}}
}
