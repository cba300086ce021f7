package analysis

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/engine/world"
)

// A makeup is a world that is made up: accounts and principals without
// policies.
type makeup struct {
	partition string
	regions   []string
	accounts  map[string]*madeAccount
	services  map[string]map[string]any
}

type madeAccount struct {
	Users     map[string]any `json:"users,omitempty"`
	Roles     map[string]any `json:"roles,omitempty"`
	Federated map[string]any `json:"federated-users,omitempty"`
}

func newMakeup(partition, region string) *makeup {
	return &makeup{partition: partition, regions: []string{region}, accounts: map[string]*madeAccount{}, services: map[string]map[string]any{}}
}

func (m *makeup) account(id string) *madeAccount {
	a := m.accounts[id]
	if a == nil {
		a = &madeAccount{Users: map[string]any{}, Roles: map[string]any{}, Federated: map[string]any{}}
		m.accounts[id] = a
	}
	return a
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	nameForm    = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	iamPathForm = regexp.MustCompile(`^/([\w+=,.@-]+/)*$`)
)

// taken tells whether the account has somebody of that name in any case.
func taken(names map[string]any, name string) bool {
	for n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// user adds a user; it is false if there can be none of that name beside the
// others.
func (m *makeup) user(account, path, name string) bool {
	a := m.account(account)
	if is, known := a.Users[name].(map[string]any); known && is["path"] == path {
		return true
	}
	if !nameForm.MatchString(name) || !iamPathForm.MatchString(path) || taken(a.Users, name) {
		return false
	}
	a.Users[name] = map[string]any{"path": path}
	return true
}

// federated adds a federated user; it is false if there can be none of that
// name.
func (m *makeup) federated(account, name string) bool {
	a := m.account(account)
	if _, known := a.Federated[name]; !known && (!nameForm.MatchString(name) || len(name) < 2 || len(name) > 32) {
		return false
	}
	a.Federated[name] = map[string]any{}
	return true
}

func (m *makeup) role(account, path, name string) bool {
	a := m.account(account)
	if is, known := a.Roles[name].(map[string]any); known && is["path"] == path {
		return true
	}
	if !nameForm.MatchString(name) || !iamPathForm.MatchString(path) || taken(a.Roles, name) {
		return false
	}
	a.Roles[name] = map[string]any{"path": path, "trust": trustEverybody}
	return true
}

var trustEverybody = json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)

// principal adds whom an ARN of IAM or STS names; session is the name of the
// session if it names one. It is false if there can be no such principal.
func (m *makeup) principal(arn string) (session string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || !accountForm.MatchString(parts[4]) {
		return "", false
	}
	account, rest := parts[4], parts[5]
	kind, name, _ := strings.Cut(rest, "/")
	switch kind {
	case "root":
		m.account(account)
		return "", true
	case "user", "role":
		path := "/"
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			path, name = "/"+name[:i+1], name[i+1:]
		}
		if kind == "user" {
			return "", m.user(account, path, name)
		}
		return "", m.role(account, path, name)
	case "assumed-role":
		role, session, _ := strings.Cut(name, "/")
		return session, m.role(account, "/", role)
	case "federated-user":
		return "", m.federated(account, name)
	}
	return "", false
}

// also adds whom an ARN names to the first of some worlds that has a place for
// somebody of that name, or to one more. It is false if there can be no such
// principal.
func also(all *[]*makeup, arn string) bool {
	for _, m := range *all {
		if _, ok := m.principal(arn); ok {
			return true
		}
	}
	m := newMakeup((*all)[0].partition, "")
	m.regions = slices.Clone((*all)[0].regions)
	_, ok := m.principal(arn)
	if ok {
		*all = append(*all, m)
	}
	return ok
}

var serviceName = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$`)

// service adds a service by its principal, which may be that of one Region.
func (m *makeup) service(principal string) {
	if !serviceName.MatchString(principal) {
		return
	}
	m.services[principal] = map[string]any{}
}

// withoutRegion is the principal of a service of any Region: only when all
// policies were read is it known which Regions there are.
func (m *makeup) withoutRegion(principal string) string {
	for _, region := range m.regions {
		principal = strings.Replace(principal, "."+region+".amazonaws.com", ".amazonaws.com", 1)
	}
	return principal
}

// world is what was made up, as a world.
func (m *makeup) world() (*world.World, error) {
	services := map[string]any{}
	for i, name := range sortedKeys(m.services) {
		principal := m.withoutRegion(name)
		if m.services[principal+".cn"] != nil {
			continue // two names of one service
		}
		services[principal] = map[string]any{"access-keys": map[string]string{fmt.Sprintf("AKIAMADEUP%d", i): "none"}, "managed-keys": []string{}}
	}
	top := map[string]any{"partition": m.partition, "regions": m.regions, "accounts": m.accounts}
	if len(services) > 0 {
		top["services"] = services
	}
	for id, a := range m.accounts {
		for i, name := range sortedKeys(a.Federated) {
			a.Federated[name] = map[string]any{"access-keys": map[string]string{fmt.Sprintf("ASIAMADEUP%s%d", id, i): "none"}}
		}
	}
	slices.Sort(m.regions)
	text, err := json.Marshal(top)
	if err != nil {
		return nil, fmt.Errorf("making up a world: %w", err)
	}
	files, err := txtar.FS(&txtar.Archive{Files: []txtar.File{{Name: "world.json", Data: text}}})
	if err != nil {
		return nil, fmt.Errorf("making up a world: %w", err)
	}
	w, err := world.LoadFS(files, nil)
	if err != nil {
		return nil, fmt.Errorf("making up a world: %w", err)
	}
	return w, nil
}
