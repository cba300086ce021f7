package spec

// A DataKeySpec is the size of a data key, as GenerateDataKey names it.
type DataKeySpec string

// The data key specs of the current API.
const (
	AES128 DataKeySpec = "AES_128"
	AES256 DataKeySpec = "AES_256"
)

// Size is the length of the data key in bytes; false for an unknown spec.
func (s DataKeySpec) Size() (int, bool) {
	switch s {
	case AES128:
		return 16, true
	case AES256:
		return 32, true
	default:
		return 0, false
	}
}
