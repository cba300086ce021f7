package grant

import (
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// PartyID is how a grant's record names a grantee or retiring principal: by
// what it matches and the unique id ("role/AROA…"). Nobody is the empty string.
func PartyID(p decision.Party) string {
	if p == (decision.Party{}) {
		return ""
	}
	return string(p.Via) + "/" + p.ID
}

// ReadParty reads what PartyID wrote.
func ReadParty(id string) decision.Party {
	via, rest, _ := strings.Cut(id, "/")
	return decision.Party{Via: decision.Via(via), ID: rest}
}

// PartyIDs are all the names under which a grant may mean the principal.
func PartyIDs(p decision.Principal) []string {
	ids := make([]string, 0, 4+len(p.Services))
	for _, party := range [...]decision.Party{
		{Via: decision.ViaAccount, ID: p.Account},
		{Via: decision.ViaUser, ID: p.User},
		{Via: decision.ViaRole, ID: p.Role},
		{Via: decision.ViaSession, ID: p.Session},
	} {
		if party.ID != "" {
			ids = append(ids, PartyID(party))
		}
	}
	for _, name := range p.Services {
		ids = append(ids, PartyID(decision.Party{Via: decision.ViaService, ID: name}))
	}
	return ids
}
