package identity

import (
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Bind finds the unique id that each principal of a document has now, by its
// ARN, to be kept beside the document, and lists the principals that do
// not exist, for which the document must be refused.
func Bind(w *world.World, d *policy.Document) (ids map[string]string, unknown []policy.Principal) {
	return w.UniqueIDs(d), w.Unknown(d)
}

// Party finds the grantee or retiring principal that an ARN names: an account,
// user, role, role session or federated user of the world; or by its name, with
// a Region or without, an integrated service. It is false for one that does
// not exist and for any other ARN.
func Party(w *world.World, arn string) (decision.Party, bool) {
	if _, service := w.ServiceNamed(arn); service {
		return decision.Party{Via: decision.ViaService, ID: arn}, true
	}
	if account, ok := w.RootAccount(arn); ok {
		_, known := w.Account(account)
		return decision.Party{Via: decision.ViaAccount, ID: account}, known
	}
	id, known := w.UniqueID(arn)
	if !known {
		return decision.Party{}, false
	}
	p, _ := w.Principal(arn)
	switch p.(type) {
	case *world.User:
		return decision.Party{Via: decision.ViaUser, ID: id}, true
	case *world.Role:
		return decision.Party{Via: decision.ViaRole, ID: id}, true
	default:
		return decision.Party{Via: decision.ViaSession, ID: id}, true
	}
}
