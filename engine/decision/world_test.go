package decision

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

const (
	home   = "111122223333"
	abroad = "444455556666"
	ourOrg = "o-ours"
	keyARN = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// ids are the unique ids of the principals in the tests' world.
var ids = map[string]string{
	"arn:aws:iam::111122223333:user/ann":                    "AIDAANN",
	"arn:aws:iam::111122223333:user/ben":                    "AIDABEN",
	"arn:aws:iam::111122223333:role/payroll":                "AROAPAYROLL",
	"arn:aws:sts::111122223333:assumed-role/payroll/worker": "AROAPAYROLL:worker",
	"arn:aws:sts::111122223333:federated-user/fred":         "111122223333:fred",
	"arn:aws:iam::444455556666:user/xena":                   "AIDAXENA",
	"arn:aws:iam::444455556666:role/remote":                 "AROAREMOTE",
	"arn:aws:sts::444455556666:assumed-role/remote/worker":  "AROAREMOTE:worker",
}

// The callers of the tests.
var (
	ann     = Principal{Type: User, Account: home, User: "AIDAANN", ARN: "arn:aws:iam::111122223333:user/ann", OrgID: ourOrg}
	root    = Principal{Type: Root, Account: home, ARN: "arn:aws:iam::111122223333:root", OrgID: ourOrg}
	payroll = Principal{Type: Role, Account: home, Role: "AROAPAYROLL", Session: "AROAPAYROLL:worker",
		ARN: "arn:aws:sts::111122223333:assumed-role/payroll/worker", OrgID: ourOrg}
	fred = Principal{Type: Federated, Account: home, User: "AIDAANN", Session: "111122223333:fred",
		ARN: "arn:aws:sts::111122223333:federated-user/fred", OrgID: ourOrg}
	linked = Principal{Type: ServiceLinkedRole, Account: home, Role: "AROALINKED", Session: "AROALINKED:s",
		ARN: "arn:aws:sts::111122223333:assumed-role/linked/s", OrgID: ourOrg}
	logs = Principal{Type: Service, Services: []string{"logs.us-west-2.amazonaws.com", "logs.amazonaws.com"},
		ARN: "logs.us-west-2.amazonaws.com"}
	xena    = Principal{Type: User, Account: abroad, User: "AIDAXENA", ARN: "arn:aws:iam::444455556666:user/xena"}
	remote  = Principal{Type: Role, Account: abroad, Role: "AROAREMOTE", Session: "AROAREMOTE:worker", ARN: "arn:aws:sts::444455556666:assumed-role/remote/worker"}
	outside = Principal{Type: Root, Account: abroad, ARN: "arn:aws:iam::444455556666:root"}
)

// A change makes a question another one.
type change func(q *Question)

// ask is ann's question whether she may decrypt, changed: the key's policy says
// nothing, and nothing else is attached.
func ask(changes ...change) Question {
	q := Question{
		Rule: KeyPolicy, Action: "kms:Decrypt", CrossAccountPossible: true,
		Resource:  Resource{ARN: keyARN, Account: home, OrgID: ourOrg},
		Principal: ann,
		Context:   map[string][]string{"kms:viaservice": {"s3.us-west-2.amazonaws.com"}},
		KeyPolicy: ptr(document(policy.Key, "default", allow("user/nobody", "kms:Decrypt"))),
	}
	for _, c := range changes {
		c(&q)
	}
	return q
}

func by(p Principal) change        { return func(q *Question) { q.Principal = p } }
func action(name string) change    { return func(q *Question) { q.Action = name } }
func rule(r Rule) change           { return func(q *Question) { q.Rule = r } }
func neverAcross(q *Question)      { q.CrossAccountPossible = false }
func managementCaller(q *Question) { q.Principal.Management = true }
func absent(q *Question)           { q.KeyPolicy = nil }

func keySays(s ...string) change {
	return func(q *Question) { q.KeyPolicy = ptr(document(policy.Key, "default", s...)) }
}

func iamSays(s ...string) change {
	return func(q *Question) { q.Identity = append(q.Identity, document(policy.Identity, "iam", s...)) }
}

func boundarySays(s ...string) change {
	return func(q *Question) { q.Boundary = ptr(document(policy.Boundary, "boundary", s...)) }
}

func sessionSays(s ...string) change {
	return func(q *Question) { q.Session = append(q.Session, document(policy.Session, "session", s...)) }
}

func endpointSays(s ...string) change {
	return func(q *Question) { q.Endpoint = ptr(document(policy.Endpoint, "endpoint", s...)) }
}

// scpSays adds a level.
func scpSays(s ...string) change {
	return func(q *Question) { q.SCP = append(q.SCP, []Policy{document(policy.SCP, "scp", s...)}) }
}

// rcpSays adds a level.
func rcpSays(s ...string) change {
	return func(q *Question) { q.RCP = append(q.RCP, []Policy{document(policy.RCP, "rcp", s...)}) }
}

func granted(g Grant) change {
	return func(q *Question) {
		if g.ID == "" {
			g.ID = "g1"
		}
		if g.Operations == nil {
			g.Operations = []string{"Decrypt"}
		}
		if g.IssuingAccount == "" {
			g.IssuingAccount = home
		}
		q.Grants = append(q.Grants, g)
	}
}

func to(via Via, id string) Grant { return Grant{Grantee: Party{via, id}} }

// allow and deny are statements of one action. who is "*", "111122223333", a service,
// a principal as "user/ann", or empty in policies without Principal.
func allow(who, action string) string { return statement("Allow", who, action, "") }
func deny(who, action string) string  { return statement("Deny", who, action, "") }

// allowIf is an allow under conditions in JSON.
func allowIf(who, action, conditions string) string {
	return statement("Allow", who, action, conditions)
}

func statement(effect, who, action, conditions string) string {
	text := `{"Effect": "` + effect + `", "Action": "` + action + `", "Resource": "*"`
	if who != "" {
		text += `, "Principal": ` + principal(who)
	}
	if conditions != "" {
		text += `, "Condition": ` + conditions
	}
	return text + "}"
}

func principal(who string) string {
	switch {
	case who == "*":
		return `"*"`
	case strings.HasSuffix(who, ".amazonaws.com"):
		return `{"Service": "` + who + `"}`
	case !strings.Contains(who, "/"):
		return `{"AWS": "` + who + `"}`
	}
	for arn := range ids {
		if strings.HasSuffix(arn, ":"+who) {
			return `{"AWS": "` + arn + `"}`
		}
	}
	return `{"AWS": "arn:aws:iam::111122223333:` + who + `"}`
}

var documents sync.Map

// document parses statements into a policy, once.
func document(kind policy.Kind, name string, statements ...string) Policy {
	text := `{"Version": "2012-10-17", "Statement": [` + strings.Join(statements, ", ") + `]}`
	if kind == policy.Trust {
		text = strings.ReplaceAll(text, `, "Resource": "*"`, "")
	}
	p := Policy{Name: name, Owner: home, Principals: ids}
	if kind != policy.Key && kind != policy.Trust && kind != policy.Session {
		p.ARN = "arn:aws:iam::111122223333:policy/" + name
	}
	d, ok := documents.Load(kind.String() + text)
	if !ok {
		parsed, err := policy.Parse(kind, []byte(text))
		if err != nil {
			panic(err)
		}
		d, _ = documents.LoadOrStore(kind.String()+text, parsed)
	}
	p.Document = d.(*policy.Document)
	return p
}

var (
	testEngine = sync.OnceValues(func() (*Engine, error) { return New(Config{Limit: PatientLimit}) })
	rememberer = sync.OnceValues(func() (*Engine, error) { return New(Config{Limit: PatientLimit, Cache: true, VerifyEvery: 1}) })
)

// decided asks an engine that remembers nothing, and has one that remembers
// agree with it.
func decided(t *testing.T, q Question) Decision {
	t.Helper()
	plain, err := testEngine()
	require.NoError(t, err)
	d, err := plain.Decide(t.Context(), q)
	require.NoError(t, err)
	remembering, err := rememberer()
	require.NoError(t, err)
	for range 2 {
		again, err := remembering.Decide(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, verdictOf(d), verdictOf(again))
		require.Equal(t, d.Sentence(), again.Sentence())
	}
	return d
}

// verdictOf is reason and layer in words.
func verdictOf(d Decision) string { return string(d.Reason) + " " + string(d.Layer) }

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	return string(text)
}
