package mu

import (
	"crypto/sha3"
	"math/bits"
)

// q is the modulus, and 1753 a 512th root of unity modulo it (FIPS 204,
// section 2.3).
const (
	q    = 8380417
	root = 1753
)

// A poly is a polynomial of degree 255 with coefficients from 0 to q-1, or its
// transform.
type poly [256]int32

// mul is a product modulo q, from 0 to q-1.
func mul(a, b int32) int64 { return int64(a) * int64(b) % q }

// reduce takes a number that is not negative modulo q.
func reduce(a int64) int32 { return int32(a % q) }

// zetas holds root to the power of the reversed bits of its index (FIPS 204,
// appendix B).
var zetas = func() (z [256]int32) {
	powers := [256]int32{1}
	for i := 1; i < 256; i++ {
		powers[i] = reduce(mul(powers[i-1], root))
	}
	for i := range z {
		z[i] = powers[bits.Reverse8(uint8(i))]
	}
	return z
}()

// ntt is FIPS 204, algorithm 41.
func (p *poly) ntt() {
	m := 0
	for length := 128; length >= 1; length /= 2 {
		for start := 0; start < 256; start += 2 * length {
			m++
			zeta := zetas[m]
			for j := start; j < start+length; j++ {
				t := mul(zeta, p[j+length])
				p[j+length] = reduce(int64(p[j]) + q - t)
				p[j] = reduce(int64(p[j]) + t)
			}
		}
	}
}

// inverseNTT is FIPS 204, algorithm 42.
func (p *poly) inverseNTT() {
	m := 256
	for length := 1; length < 256; length *= 2 {
		for start := 0; start < 256; start += 2 * length {
			m--
			zeta := q - zetas[m]
			for j := start; j < start+length; j++ {
				t := int64(p[j])
				p[j] = reduce(t + int64(p[j+length]))
				p[j+length] = reduce(mul(zeta, reduce(t+q-int64(p[j+length]))))
			}
		}
	}
	for i := range p {
		p[i] = reduce(mul(p[i], 8347681)) // 1/256
	}
}

// rejNTTPoly is FIPS 204, algorithm 30: an element of the matrix A.
func rejNTTPoly(rho []byte, column, row byte) poly {
	h := sha3.NewSHAKE128()
	_, _ = h.Write(rho)
	_, _ = h.Write([]byte{column, row})
	var a poly
	var block [168]byte // the rate of SHAKE128, a multiple of three
	for n := 0; n < len(a); {
		_, _ = h.Read(block[:])
		for i := 0; i < len(block) && n < len(a); i += 3 {
			v := int32(block[i]) | int32(block[i+1])<<8 | int32(block[i+2]&0x7f)<<16
			if v < q {
				a[n] = v
				n++
			}
		}
	}
	return a
}
