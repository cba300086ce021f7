package world

// An Organization is a tree of units with guardrails on each level.
type Organization struct {
	ID         string // o-…
	Management string // management account
	Root       *Unit

	units map[string]*Unit // the unit that an account is in
}

// A Unit is the root of an organization or an organizational unit.
type Unit struct {
	ID       string // r-… or ou-…
	Name     string
	Parent   *Unit // nil for the root
	SCP      []*Policy
	RCP      []*Policy // without RCPFullAWSAccess, which is implied at every level
	Accounts map[string]*Guardrails
}

// Guardrails are the policies attached to a member account itself.
type Guardrails struct {
	SCP []*Policy
	RCP []*Policy
}

// Unit returns the unit that an account is in, nil when it is no member.
func (o *Organization) Unit(account string) *Unit {
	if o == nil {
		return nil
	}
	return o.units[account]
}

// Levels lists the guardrails over an account from the root down, the
// account's own last; nil when it is no member.
func (o *Organization) Levels(account string) []Guardrails {
	u := o.Unit(account)
	if u == nil {
		return nil
	}
	levels := []Guardrails{*u.Accounts[account]}
	for ; u != nil; u = u.Parent {
		levels = append([]Guardrails{{SCP: u.SCP, RCP: u.RCP}}, levels...)
	}
	return levels
}

// Path is the account's path in the organization, as aws:PrincipalOrgPaths
// has it: o-…/r-…/ou-…/. It is empty when the account is no member.
func (o *Organization) Path(account string) string {
	u := o.Unit(account)
	if u == nil {
		return ""
	}
	path := ""
	for ; u != nil; u = u.Parent {
		path = u.ID + "/" + path
	}
	return o.ID + "/" + path
}
