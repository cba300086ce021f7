package wire

// The error codes that every AWS service may give, with their HTTP status in
// statuses. Guide, "Programming the AWS KMS API"; API reference, common errors.
const (
	AccessDenied               Code = "AccessDeniedException"
	ExpiredToken               Code = "ExpiredTokenException"
	IncompleteSignature        Code = "IncompleteSignatureException"
	InternalFailure            Code = "InternalFailure"
	InvalidSignature           Code = "InvalidSignatureException"
	MissingAuthenticationToken Code = "MissingAuthenticationTokenException"
	NotAuthorized              Code = "NotAuthorized"
	OptInRequired              Code = "OptInRequired"
	RequestEntityTooLarge      Code = "RequestEntityTooLargeException"
	RequestExpired             Code = "RequestExpired"
	Serialization              Code = "SerializationException"
	ServiceUnavailable         Code = "ServiceUnavailableException"
	Throttling                 Code = "ThrottlingException"
	UnknownOperation           Code = "UnknownOperationException"
	UnrecognizedClient         Code = "UnrecognizedClientException"
	Validation                 Code = "ValidationException"
)

// common is the HTTP status of each code above.
var common = map[Code]int{
	AccessDenied:               400,
	ExpiredToken:               400,
	IncompleteSignature:        400,
	InternalFailure:            500,
	InvalidSignature:           400,
	MissingAuthenticationToken: 400,
	NotAuthorized:              400,
	OptInRequired:              403,
	RequestEntityTooLarge:      413,
	RequestExpired:             400,
	Serialization:              400,
	ServiceUnavailable:         503,
	Throttling:                 400,
	UnknownOperation:           400,
	UnrecognizedClient:         400,
	Validation:                 400,
}

// statuses is the HTTP status of every code: common, and those of the model,
// where a fault of the server is 500 and all others are 400.
var statuses = func() map[Code]int {
	all := make(map[Code]int, len(common)+len(faults))
	for c, s := range common {
		all[c] = s
	}
	for c, fault := range faults {
		all[c] = 400
		if fault {
			all[c] = 500
		}
	}
	return all
}()

// Codes returns every code that this package knows, with its HTTP status, in a
// map of the caller's own.
func Codes() map[Code]int {
	all := make(map[Code]int, len(statuses))
	for c, s := range statuses {
		all[c] = s
	}
	return all
}
