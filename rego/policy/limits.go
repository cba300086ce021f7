package policy

import (
	"unicode"
	"unicode/utf8"
)

// A limit bounds the size of a document.
type limit struct {
	// max is the size that Parse still accepts.
	max int
	// quota is what AWS grants by default; larger ones need a raised quota.
	quota int
	count counting
	code  Code
}

// counting says what a limit counts.
type counting int

const (
	inBytes      counting = iota
	inCharacters          // every character
	inkOnly               // every character but white space, as IAM counts
)

// Where the sizes come from. Key: Guide, Key policies (32,768 bytes). Identity,
// boundary, trust: IAM User Guide, IAM and STS quotas (managed policies 6,144;
// inline policies of a role 10,240 together, the largest an identity policy
// can be; trust 2,048, to be raised to 4,096; white space not counted).
// Session: STS API, AssumeRole, Policy. SCP, RCP: Organizations User Guide,
// quotas of today. Endpoint: PrivateLink guide, quotas.
var (
	keyLimit      = limit{max: 32768, quota: 32768, count: inBytes, code: CodeResourcePolicySize}
	identityLimit = limit{max: 10240, quota: 10240, count: inkOnly, code: CodeIdentityPolicySize}
	boundaryLimit = limit{max: 6144, quota: 6144, count: inkOnly, code: CodeIdentityPolicySize}
	sessionLimit  = limit{max: 2048, quota: 2048, count: inCharacters, code: CodeIdentityPolicySize}
	scpLimit      = limit{max: 10240, quota: 10240, count: inCharacters, code: CodeSCPSize}
	rcpLimit      = limit{max: 5120, quota: 5120, count: inCharacters, code: CodeRCPSize}
	endpointLimit = limit{max: 20480, quota: 20480, count: inCharacters, code: CodeResourcePolicySize}
	trustLimit    = limit{max: 4096, quota: 2048, count: inkOnly, code: CodeTrustPolicySize}
)

// maxText bounds the bytes of any document, white space included: what the IAM
// API takes as a PolicyDocument at most.
const maxText = 131072

// A Size is how large a document is, and may be.
type Size struct {
	// Count in the unit that the kind's limit counts.
	Count int
	// Unit of the three figures: "bytes", "characters" or "characters without white space".
	Unit string
	// Quota is what AWS grants by default, Max what it grants at most.
	Quota, Max int
}

// Measure tells the size of a document of kind k.
func Measure(k Kind, text []byte) Size {
	l := schemas[k].limit
	s := Size{Quota: l.quota, Max: l.max}
	switch l.count {
	case inBytes:
		s.Count, s.Unit = len(text), "bytes"
	case inCharacters:
		s.Count, s.Unit = utf8.RuneCount(text), "characters"
	case inkOnly:
		s.Unit = "characters without white space"
		for _, r := range string(text) {
			if !unicode.IsSpace(r) {
				s.Count++
			}
		}
	}
	return s
}
