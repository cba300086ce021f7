package differential

import (
	"maps"
	"slices"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// The accounts of all cases. Resources are at home, or the caller's own.
const (
	home   = "111122223333"
	abroad = "444455556666"
	third  = "777788889999"
)

// The keys that requests are about; keyIDs are what a variable may put in.
var (
	keyIDs = []string{"1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-0987dcba09fe87dc65ba43210987fedc"}
	keys   = []string{"arn:aws:kms:us-west-2:" + home + ":key/" + keyIDs[0], "arn:aws:kms:us-west-2:" + home + ":key/" + keyIDs[1]}
)

// An actor is a principal with what its requests say about it.
type actor struct {
	decision.Principal
	name    string // aws:username, or empty
	subject string // aws:PrincipalArn: for a role session that of the role
	kind    string // aws:PrincipalType
}

// ids are the unique ids that the ARNs of policies stand for now.
var ids = map[string]string{}

// cast are the callers, at home and abroad.
var cast = append(castOf(home, "o-ours", "ann", "payroll"), castOf(abroad, "", "xena", "remote")...)

// webIdentity is the caller at home whom a provider of identities vouches for.
var webIdentity = cast[4]

func castOf(account, org, user, role string) []actor {
	iam, sts := "arn:aws:iam::"+account+":", "arn:aws:sts::"+account+":"
	userID, roleID := "AIDA"+user, "AROA"+role
	of := func(p decision.Principal) decision.Principal {
		p.Account, p.OrgID = account, org
		return p
	}
	ids[iam+"user/"+user] = userID
	ids[iam+"user/"+user+"2"] = userID + "2"
	ids[iam+"role/"+role] = roleID
	ids[iam+"role/"+role+"2"] = roleID + "2"
	ids[sts+"assumed-role/"+role+"/worker"] = roleID + ":worker"
	ids[sts+"assumed-role/"+role+"/other"] = roleID + ":other"
	ids[sts+"assumed-role/"+role+"2/worker"] = roleID + "2:worker"
	ids[sts+"federated-user/fred"] = account + ":fred"
	ids[sts+"federated-user/gwen"] = account + ":gwen"
	linked := "role/aws-service-role/backup.amazonaws.com/Linked"
	ids[iam+linked] = roleID + "L"
	ids[sts+"assumed-role/Linked/backup"] = roleID + "L:backup"
	return []actor{
		{of(decision.Principal{Type: decision.Root, ARN: iam + "root"}), "", iam + "root", "Account"},
		{of(decision.Principal{Type: decision.User, User: userID, ARN: iam + "user/" + user}), user, iam + "user/" + user, "User"},
		{of(decision.Principal{Type: decision.Role, Role: roleID, Session: roleID + ":worker", ARN: sts + "assumed-role/" + role + "/worker"}),
			"", iam + "role/" + role, "AssumedRole"},
		{of(decision.Principal{Type: decision.Federated, User: userID, Session: account + ":fred", ARN: sts + "federated-user/fred"}),
			"", sts + "federated-user/fred", "FederatedUser"},
		{of(decision.Principal{Type: decision.WebIdentity, Role: roleID + "2", Session: roleID + "2:worker", Provider: providers[0],
			ARN: sts + "assumed-role/" + role + "2/worker"}), "", iam + "role/" + role + "2", "AssumedRole"},
		{of(decision.Principal{Type: decision.ServiceLinkedRole, Role: roleID + "L", Session: roleID + "L:backup",
			ARN: sts + "assumed-role/Linked/backup"}), "", iam + linked, "AssumedRole"},
		{decision.Principal{Type: decision.Service, Services: services[:2], ARN: services[0]}, "", services[0], "Service"},
	}
}

var (
	services  = []string{"logs.us-west-2.amazonaws.com", "logs.amazonaws.com", "s3.amazonaws.com"}
	providers = []string{"accounts.example.com", "arn:aws:iam::" + home + ":saml-provider/corporate"}
)

// parties are the ways in which a grant can name the actor.
func (a actor) parties() []decision.Party {
	var all []decision.Party
	for _, p := range []decision.Party{
		{Via: decision.ViaUser, ID: a.User}, {Via: decision.ViaRole, ID: a.Role}, {Via: decision.ViaSession, ID: a.Session},
		{Via: decision.ViaAccount, ID: a.Account},
	} {
		if p.ID != "" {
			all = append(all, p)
		}
	}
	for _, s := range a.Services {
		all = append(all, decision.Party{Via: decision.ViaService, ID: s})
	}
	return all
}

// arns are the entries of a Principal element that name the actor.
func (a actor) arns() []string {
	if a.Account == "" {
		return nil
	}
	arns := []string{a.Account, "arn:aws:iam::" + a.Account + ":root"}
	for _, arn := range slices.Sorted(maps.Keys(ids)) {
		if id := ids[arn]; id == a.User || id == a.Role || id == a.Session {
			arns = append(arns, arn)
		}
	}
	return arns
}
