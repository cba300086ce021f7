package wire

import (
	"mime"
	"net/http"
	"strings"
)

// targetPrefix stands before the operation's name in X-Amz-Target.
const targetPrefix = "TrentService."

// Target returns the name of the operation that r asks for. A request that is
// not AWS JSON 1.1 at all, or that names no operation of the model, is refused
// as the real service does it, before its signature is looked at.
func Target(r Request) (op string, err *Error) {
	if !speaksJSON(r) {
		return "", &Error{Code: UnknownOperation, unread: true}
	}
	targets := r.Header.Values("X-Amz-Target")
	if len(targets) != 1 {
		return "", &Error{Code: UnknownOperation}
	}
	name, ok := strings.CutPrefix(targets[0], targetPrefix)
	if !ok {
		return "", &Error{Code: UnknownOperation}
	}
	if _, ok = Lookup(name); !ok {
		return "", &Error{Code: UnknownOperation}
	}
	return name, nil
}

func speaksJSON(r Request) bool {
	if r.Method != http.MethodPost || r.Path != "/" {
		return false
	}
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		return false
	}
	if types[0] == ContentType {
		return true
	}
	t, _, err := mime.ParseMediaType(types[0])
	return err == nil && t == ContentType
}
