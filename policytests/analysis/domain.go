package analysis

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A domain says which values a condition key can have in a request.
type domain struct {
	// values are all there are, if the list is closed; the first is the one
	// that requests have by default.
	values []string
	// form is what values look like, where the list is open; seeds are some that
	// look like real ones, the default first.
	form  pattern
	seeds []string
	// low and high bound a number, if high is not zero.
	low, high int
	// optional: a request may lack the key, and does by default.
	optional bool
}

var truths = []string{"false", "true"}

var (
	anyForm    = some(anything)
	maybeEmpty = pattern{{class: anything, many: true}}
)

// specs lists the specs of keys.
func specs(which func(spec.Entry) bool) []string {
	var all []string
	for _, e := range spec.All() {
		if which(e) {
			all = append(all, string(e.Spec))
		}
	}
	return all
}

// algorithms lists the algorithms of a usage.
func algorithms(u spec.Usage) []string {
	var all []string
	for _, e := range spec.All() {
		for _, a := range e.Algorithms(u) {
			if !slices.Contains(all, string(a)) {
				all = append(all, string(a))
			}
		}
	}
	return all
}

// grantOperations are those that a grant can allow (Guide, Grants).
var grantOperations = []string{"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo",
	"CreateGrant", "RetireGrant", "DescribeKey", "Sign", "Verify", "GetPublicKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
	"GenerateMac", "VerifyMac", "DeriveSharedSecret"}

// freshARN is a principal that no policy names.
const freshARN = "arn:aws:iam::999999999999:role/somebody"

// domains are those of the condition keys that requests bring, by lower-cased
// name. Keys without a row here have any text.
var domains = map[string]domain{
	"kms:bypasspolicylockoutsafetycheck":         {values: truths, optional: true},
	"kms:datakeypairspec":                        {values: specs(func(e spec.Entry) bool { return e.Pair })},
	"kms:encryptionalgorithm":                    {values: algorithms(spec.EncryptDecrypt)},
	"kms:expirationmodel":                        {values: []string{"KEY_MATERIAL_DOES_NOT_EXPIRE", "KEY_MATERIAL_EXPIRES"}, optional: true},
	"kms:grantconstrainttype":                    {values: []string{"EncryptionContextEquals", "EncryptionContextSubset"}, optional: true},
	"kms:grantconstraintsourcearn":               {form: arnForm, seeds: []string{"arn:aws:s3:::some-bucket"}, optional: true},
	"kms:grantoperations":                        {values: grantOperations},
	"kms:keyagreementalgorithm":                  {values: []string{"ECDH"}},
	"kms:keyorigin":                              {values: []string{"AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"}},
	"kms:macalgorithm":                           {values: algorithms(spec.GenerateVerifyMAC)},
	"kms:messagetype":                            {values: []string{"RAW", "DIGEST", "EXTERNAL_MU"}},
	"kms:primaryregion":                          {form: regionForm, seeds: regionSeeds},
	"kms:reencryptonsamekey":                     {values: truths},
	"kms:replicaregion":                          {form: regionForm, seeds: regionSeeds},
	"kms:requestalias":                           {form: join(literal("alias/"), some(pathWord)), seeds: []string{"alias/some-alias"}, optional: true},
	"kms:resourcealiases":                        {form: join(literal("alias/"), some(pathWord)), seeds: []string{"alias/some-alias"}, optional: true},
	"kms:rotationperiodindays":                   {low: 90, high: 2560, seeds: []string{"365"}},
	"kms:schedulekeydeletionpendingwindowindays": {low: 7, high: 30, seeds: []string{"30"}},
	"kms:signingalgorithm":                       {values: algorithms(spec.SignVerify)},
	"kms:trailingdayswithoutkeyusage":            {low: 1, high: 36500, seeds: []string{"90"}, optional: true},
	"kms:validto":                                {seeds: []string{"2027-01-15T12:00:00Z"}, optional: true},
	"kms:wrappingalgorithm":                      {values: []string{"RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256", "SM2PKE"}},
	"kms:wrappingkeyspec":                        {values: []string{"RSA_2048", "RSA_3072", "RSA_4096", "SM2"}},
	"aws:securetransport":                        {values: []string{"true", "false"}},
	"aws:multifactorauthage":                     {low: 0, high: 129600, seeds: []string{"60"}},
	"aws:requestedregion":                        {form: regionForm, seeds: regionSeeds},
	"sts:rolesessionname":                        {form: join(times(word, 2), pattern{{class: word, many: true}}), seeds: []string{sessionName}},
	"sts:sourceidentity":                         {form: join(times(word, 2), pattern{{class: word, many: true}}), seeds: []string{"somebody"}, optional: true},
	"aws:sourceidentity":                         {form: some(word), seeds: []string{"somebody"}, optional: true},
	"aws:federatedprovider":                      {form: some(pathWord), seeds: []string{"accounts.google.com"}, optional: true},
	"aws:assumedroot":                            {values: []string{"true"}, optional: true},
	"aws:useragent":                              {form: anyForm, seeds: []string{"some-agent/1.0"}, optional: true},
	"aws:referer":                                {form: anyForm, seeds: []string{"https://www.example.com/"}, optional: true},
	"aws:sourcevpce":                             {form: join(literal("vpce-"), times(hexDigit, 17)), seeds: []string{"vpce-0ab12cd34ef56ab78"}},
	"aws:sourcevpc":                              {form: join(literal("vpc-"), times(hexDigit, 17)), seeds: []string{"vpc-0ab12cd34ef56ab78"}},
	"aws:principalorgid":                         {form: join(literal("o-"), times(lower, 10)), seeds: []string{"o-someorg123"}},
	"aws:sourcearn":                              {form: arnForm, seeds: []string{"arn:aws:s3:::some-bucket"}},
	"aws:sourceaccount":                          {form: times(digit, 12)},
	requestTag:                                   {form: maybeEmpty, seeds: []string{"some-value"}, optional: true},
	resourceTag:                                  {form: maybeEmpty, seeds: []string{"some-value"}, optional: true},
	principalTag:                                 {form: maybeEmpty, seeds: []string{"some-value"}, optional: true},
	encryptionContext:                            {form: maybeEmpty, seeds: []string{"some-value"}, optional: true},
	"kms:recipientattestation:":                  {form: anyForm, seeds: []string{strings.Repeat("0a", 48)}, optional: true},
}

var (
	regionForm  = join(some(lower))
	regionSeeds = []string{"us-east-1", "eu-west-1"}
	arnForm     = join(literal("arn:aws"), pattern{{class: lower, many: true}}, literal(":"), some(lower), literal(":"), pattern{{class: lower, many: true}}, literal(":"),
		pattern{{class: digit, many: true}}, literal(":"), anyForm)
)

// domainOf is the domain of a condition key, by its lower-cased name.
func domainOf(key string) domain {
	if d, ok := domains[key]; ok {
		return d
	}
	for _, prefix := range []string{requestTag, resourceTag, principalTag, encryptionContext, "kms:recipientattestation:"} {
		if strings.HasPrefix(key, prefix) {
			return domains[prefix]
		}
	}
	return domain{form: anyForm, seeds: []string{"something"}, optional: true}
}

// multiValued tells whether a request may hold several values of a key.
func multiValued(key string) bool {
	row, ok := policy.ConditionKeyNamed(key)
	return ok && row.Many
}
