// Package mu verifies ML-DSA signatures of an external message representative
// μ, which the libraries do not: ML-DSA.Verify_internal of FIPS 204 from the
// step that follows the computation of μ. It handles public values only.
package mu

import (
	"crypto/sha3"
	"crypto/subtle"
)

// Size is the length of a message representative in bytes.
const Size = 64

// Parameters is one parameter set (FIPS 204, section 4).
type Parameters struct {
	k, l          int // rows and columns of the matrix A
	eta           int
	tau           int // ones and minus ones in the challenge
	beta          int32
	omega         int
	gamma1        int32
	gamma1Bits    int // of a coefficient of z
	gamma2        int32
	challengeSize int // bytes of c~
}

// The parameter sets of FIPS 204, table 1.
var (
	MLDSA44 = Parameters{k: 4, l: 4, eta: 2, tau: 39, beta: 78, omega: 80, gamma1: 1 << 17, gamma1Bits: 18, gamma2: (q - 1) / 88, challengeSize: 32}
	MLDSA65 = Parameters{k: 6, l: 5, eta: 4, tau: 49, beta: 196, omega: 55, gamma1: 1 << 19, gamma1Bits: 20, gamma2: (q - 1) / 32, challengeSize: 48}
	MLDSA87 = Parameters{k: 8, l: 7, eta: 2, tau: 60, beta: 120, omega: 75, gamma1: 1 << 19, gamma1Bits: 20, gamma2: (q - 1) / 32, challengeSize: 64}
)

// Verify tells whether signature signs mu under the encoded public key (FIPS
// 204, algorithm 8, from step 8). Input of a wrong length is not a signature.
func Verify(p Parameters, public, mu, signature []byte) bool {
	if len(public) != 32+p.k*320 || len(mu) != Size || len(signature) != p.challengeSize+p.l*32*p.gamma1Bits+p.omega+p.k {
		return false
	}
	rho, t1 := public[:32], public[32:]
	challenge, rest := signature[:p.challengeSize], signature[p.challengeSize:]
	z, ok := p.unpackZ(rest[:p.l*32*p.gamma1Bits])
	if !ok {
		return false
	}
	hints, ok := p.unpackHints(rest[p.l*32*p.gamma1Bits:])
	if !ok {
		return false
	}
	for i := range z {
		z[i].ntt()
	}
	c := p.sampleInBall(challenge)
	c.ntt()

	h := sha3.NewSHAKE256()
	_, _ = h.Write(mu)
	for row := range p.k {
		w := p.row(rho, row, z)
		t := unpackT1(t1[row*320 : (row+1)*320])
		t.ntt()
		for i := range w {
			w[i] = reduce(int64(w[i]) + q - mul(c[i], t[i]))
		}
		w.inverseNTT()
		_, _ = h.Write(p.packW1(&w, &hints[row]))
	}
	again := make([]byte, p.challengeSize)
	_, _ = h.Read(again)
	return subtle.ConstantTimeCompare(again, challenge) == 1
}

// row is the product of one row of A with z, in NTT form.
func (p Parameters) row(rho []byte, row int, z []poly) poly {
	var w poly
	for column := range p.l {
		a := rejNTTPoly(rho, byte(column), byte(row)) // parameter sets are small
		for i := range w {
			w[i] = reduce(int64(w[i]) + mul(a[i], z[column][i]))
		}
	}
	return w
}

// unpackT1 is SimpleBitUnpack of 10-bit coefficients, times 2^d.
func unpackT1(b []byte) poly {
	var t poly
	for i := range t {
		bit := 10 * i
		v := (uint32(b[bit/8]) | uint32(b[bit/8+1])<<8) >> (bit % 8) & 0x3ff
		t[i] = int32(v) << 13
	}
	return t
}

// unpackZ is BitUnpack of z; false if a coefficient is not below γ1 - β.
func (p Parameters) unpackZ(b []byte) ([]poly, bool) {
	z := make([]poly, p.l)
	size := 32 * p.gamma1Bits
	for n := range z {
		part := b[n*size : (n+1)*size]
		for i := range z[n] {
			bit := i * p.gamma1Bits
			v := uint32(part[bit/8]) | uint32(part[bit/8+1])<<8 | uint32(part[bit/8+2])<<16
			v = v >> (bit % 8) & (1<<p.gamma1Bits - 1)
			c := p.gamma1 - int32(v)
			if max(c, -c) >= p.gamma1-p.beta {
				return nil, false
			}
			z[n][i] = reduce(int64(c) + q)
		}
	}
	return z, true
}

// unpackHints is HintBitUnpack (FIPS 204, algorithm 21).
func (p Parameters) unpackHints(b []byte) ([][256]bool, bool) {
	hints := make([][256]bool, p.k)
	index := 0
	for row := range hints {
		end := int(b[p.omega+row])
		if end < index || end > p.omega {
			return nil, false
		}
		for first := index; index < end; index++ {
			if index > first && b[index-1] >= b[index] {
				return nil, false
			}
			hints[row][b[index]] = true
		}
	}
	for ; index < p.omega; index++ {
		if b[index] != 0 {
			return nil, false
		}
	}
	return hints, true
}

// sampleInBall is FIPS 204, algorithm 29.
func (p Parameters) sampleInBall(seed []byte) poly {
	h := sha3.NewSHAKE256()
	_, _ = h.Write(seed)
	var signs [8]byte
	_, _ = h.Read(signs[:])
	var c poly
	var b [1]byte
	for n, i := 0, 256-p.tau; i < 256; n, i = n+1, i+1 {
		for {
			_, _ = h.Read(b[:])
			if int(b[0]) <= i {
				break
			}
		}
		c[i] = c[b[0]]
		c[b[0]] = 1
		if signs[n/8]>>(n%8)&1 == 1 {
			c[b[0]] = q - 1
		}
	}
	return c
}

// packW1 is w1Encode of UseHint(h, w) (FIPS 204, algorithms 28 and 40).
func (p Parameters) packW1(w *poly, hints *[256]bool) []byte {
	bits := 4
	if p.gamma2 == (q-1)/88 {
		bits = 6
	}
	out := make([]byte, 32*bits)
	for i := range w {
		v := uint32(p.useHint(w[i], hints[i])) // small and not negative
		bit := i * bits
		out[bit/8] |= byte(v << (bit % 8))
		if bit%8+bits > 8 {
			out[bit/8+1] |= byte(v >> (8 - bit%8))
		}
	}
	return out
}

// useHint is FIPS 204, algorithm 40, with Decompose (algorithm 36) in it.
func (p Parameters) useHint(r int32, hint bool) int32 {
	alpha := 2 * p.gamma2
	low := r % alpha
	if low > p.gamma2 {
		low -= alpha
	}
	high := int32(0)
	if r-low == q-1 {
		low--
	} else {
		high = (r - low) / alpha
	}
	m := (q - 1) / alpha
	switch {
	case !hint:
		return high
	case low > 0:
		return (high + 1) % m
	default:
		return (high + m - 1) % m
	}
}
