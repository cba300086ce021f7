package lint

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// CheckGrants looks at grants: the answer of ListGrants or
// ListRetirableGrants, a list of its entries, one entry, or the input of
// CreateGrant. The findings are in the order of their places.
func CheckGrants(text []byte, o Options) []Finding {
	root, err := policy.ReadJSON(text)
	c := &checker{text: string(text), o: o}
	if root != nil {
		c.tree, c.places = root, index(root)
	}
	var faults policy.Errors
	if errors.As(err, &faults) {
		for _, e := range faults {
			f := c.add(e.Code, e.Pos, "%s", sentence(e.Message))
			if e.Code == policy.CodeSyntax {
				c.mendSyntax(f, e)
			}
		}
	}
	if root != nil {
		c.grants(root)
	}
	return c.sorted()
}

// grants reads what text holds.
func (c *checker) grants(root *policy.Node) {
	nodes := root.Each()
	if m, ok := root.Member("Grants"); ok {
		nodes = m.Value.Each()
	}
	var all []*grant
	for i := range nodes {
		if nodes[i].Kind != policy.ObjectNode {
			c.add("DATA_TYPE_MISMATCH", nodes[i].Pos, "A grant is an object, not %s.", nodes[i].Kind)
			continue
		}
		g := c.grant(&nodes[i])
		if g.grantee.Text == "" {
			c.add("INVALID_POLICY_ELEMENT", nodes[i].Pos, "This grant names no grantee, so nothing is known of it.")
		}
		all = append(all, g)
		for _, check := range grantChecks {
			check(c, g)
		}
	}
	c.duplicates(all)
}

var grantChecks = []func(*checker, *grant){
	(*checker).grantOperations, (*checker).grantWidth, (*checker).grantRetirer, (*checker).grantChain, (*checker).grantConstraint, (*checker).grantAge,
	(*checker).grantAccount, (*checker).grantParties,
}

// A grant is what a grant says, and where.
type grant struct {
	node       *policy.Node
	key        string
	issuer     string
	grantee    policy.Node
	retirer    policy.Node
	operations []policy.Node
	constraint *policy.Member
	created    *policy.Node
}

// grantFields are the names in ListGrants' answer and in CreateGrant's input,
// and their JSON types.
var grantFields = map[string]policy.NodeKind{
	"KeyId": policy.StringNode, "GrantId": policy.StringNode, "Name": policy.StringNode, "CreationDate": 0, "GranteePrincipal": policy.StringNode,
	"GranteeServicePrincipal": policy.StringNode, "RetiringPrincipal": policy.StringNode, "RetiringServicePrincipal": policy.StringNode,
	"IssuingAccount": policy.StringNode, "Operations": policy.ArrayNode, "Constraints": policy.ObjectNode, "GrantTokens": policy.ArrayNode,
	"GrantToken": policy.StringNode, "DryRun": policy.BoolNode,
}

var grantNames = func() []string {
	var names []string
	for name := range grantFields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}()

func (c *checker) grant(n *policy.Node) *grant {
	g := &grant{node: n}
	for i := range n.Members {
		m := &n.Members[i]
		kind, known := grantFields[m.Name]
		switch {
		case !known:
			f := c.add("INVALID_POLICY_ELEMENT", m.Pos, "A grant has no %q.", m.Name)
			if near, ok := nearest(m.Name, grantNames); ok {
				c.guessed(f, m.Pos, near.word, near)
			}
		case kind != 0 && m.Value.Kind != kind && m.Value.Kind != policy.NullNode:
			c.add("DATA_TYPE_MISMATCH", m.Value.Pos, "%s is %s, not %s.", m.Name, kind, m.Value.Kind)
		default:
			g.read(m)
		}
	}
	return g
}

func (g *grant) read(m *policy.Member) {
	switch m.Name {
	case "KeyId":
		g.key = m.Value.Text
	case "IssuingAccount":
		g.issuer = m.Value.Text
	case "GranteePrincipal", "GranteeServicePrincipal":
		g.grantee = m.Value
	case "RetiringPrincipal", "RetiringServicePrincipal":
		g.retirer = m.Value
	case "Operations":
		g.operations = m.Value.Items
	case "Constraints":
		if slices.ContainsFunc(m.Value.Members, constrains) {
			g.constraint = m
		}
	case "CreationDate":
		g.created = &m.Value
	}
}

// constrains tells whether a constraint asks for anything: an encryption context
// without pairs is met by each request.
func constrains(m policy.Member) bool {
	return m.Value.Kind != policy.NullNode && (m.Value.Kind != policy.ObjectNode || len(m.Value.Members) > 0)
}

func (g *grant) has(operations ...string) bool {
	return slices.ContainsFunc(g.operations, func(n policy.Node) bool { return slices.Contains(operations, n.Text) })
}

// Grant operations by the keys that have them. Guide, Grants in AWS KMS.
var (
	everyKeyHas   = []string{"CreateGrant", "DescribeKey", "RetireGrant"}
	withContext   = []string{"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"}
	symmetricOnly = []string{"GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext"}
	usageHas      = map[string][]string{
		"ENCRYPT_DECRYPT":     {"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo"},
		"SIGN_VERIFY":         {"Sign", "Verify"},
		"GENERATE_VERIFY_MAC": {"GenerateMac", "VerifyMac"},
		"KEY_AGREEMENT":       {"DeriveSharedSecret"},
	}
	grantable = slices.Concat(everyKeyHas, withContext, []string{"DeriveSharedSecret", "GenerateMac", "GetPublicKey", "Sign", "Verify", "VerifyMac"})
)

const symmetric = "SYMMETRIC_DEFAULT"

// fits tells whether the key, as far as it is known, has an operation.
func (o Options) fits(operation string) bool {
	spec, usage := o.KeySpec, o.KeyUsage
	if usage == "" && spec == symmetric {
		usage = "ENCRYPT_DECRYPT"
	} else if usage == "" && strings.HasPrefix(spec, "HMAC_") {
		usage = "GENERATE_VERIFY_MAC"
	}
	switch {
	case slices.Contains(everyKeyHas, operation):
		return true
	case slices.Contains(symmetricOnly, operation):
		return spec == "" && (usage == "" || usage == "ENCRYPT_DECRYPT") || spec == symmetric
	case operation == "GetPublicKey":
		return spec != symmetric && !strings.HasPrefix(spec, "HMAC_") && usage != "GENERATE_VERIFY_MAC"
	default:
		return usage == "" || slices.Contains(usageHas[usage], operation)
	}
}

func (c *checker) grantOperations(g *grant) {
	for i := range g.operations {
		n := &g.operations[i]
		switch {
		case n.Kind != policy.StringNode:
			c.add("DATA_TYPE_MISMATCH", n.Pos, "An operation is a string, not %s.", n.Kind)
		case !slices.Contains(grantable, n.Text):
			f := c.add("KR_GRANT_UNSUPPORTED_OPERATION", n.Pos, "No grant gives %q.", n.Text)
			if near, ok := nearest(strings.TrimPrefix(n.Text, "kms:"), grantable); ok {
				c.guessed(f, n.Pos, near.word, near)
			}
		case !c.o.fits(n.Text):
			c.add("KR_GRANT_UNSUPPORTED_OPERATION", n.Pos, "A key of spec %s and usage %s has no %s.", cmp.Or(c.o.KeySpec, "unknown"), cmp.Or(c.o.KeyUsage, "unknown"), n.Text)
		}
	}
}

// usesKey are the grant operations that use key material.
var usesKey = slices.Concat(withContext, []string{"DeriveSharedSecret", "GenerateMac", "Sign", "Verify", "VerifyMac"})

// grantWidth looks for grants of cryptographic operations to a whole account,
// or without a constraint where the key could have one.
func (c *checker) grantWidth(g *grant) {
	if !g.has(usesKey...) {
		return
	}
	text := g.grantee.Text
	fields := strings.SplitN(text, ":", 6)
	account := accountForm.MatchString(text) || len(fields) == 6 && fields[5] == "root"
	switch {
	case account:
		c.add("KR_GRANT_WIDE", g.grantee.Pos, "The grantee is a whole account: each of its principals that may call KMS can use the key.")
	case g.constraint == nil && g.has(withContext...) && (c.o.KeySpec == "" || c.o.KeySpec == symmetric):
		c.add("KR_GRANT_WIDE", g.node.Pos, "No constraint ties the grant to an encryption context.")
	}
}

// grantParties looks for wildcards, which stand for nobody in a grant.
func (c *checker) grantParties(g *grant) {
	for _, n := range []policy.Node{g.grantee, g.retirer} {
		fields := strings.SplitN(n.Text, ":", 6)
		name := fields[len(fields)-1]
		if name = name[strings.LastIndexByte(name, '/')+1:]; wild(name) || len(fields) == 6 && wild(fields[4]) {
			c.add("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", n.Pos, "A grant is for one principal, and the service refuses %q. Name a user, a role, a session, an account or a service.", n.Text)
		}
	}
}

func (c *checker) grantRetirer(g *grant) {
	if g.retirer.Text == "" && !g.has("RetireGrant") && len(g.operations) > 0 {
		c.add("KR_GRANT_NO_RETIRER", g.node.Pos, "The grant has no retiring principal and no RetireGrant, so only who may revoke grants of the key can end it.")
	}
}

func (c *checker) grantChain(g *grant) {
	for i := range g.operations {
		if g.operations[i].Text == "CreateGrant" {
			c.add("KR_GRANT_CHAIN", g.operations[i].Pos, "The grantee may grant what it has to others, who do not appear in this grant.")
		}
	}
}

// grantConstraint looks for constraints that no operation heeds.
func (c *checker) grantConstraint(g *grant) {
	if g.constraint == nil {
		return
	}
	context := slices.ContainsFunc(g.constraint.Value.Members, func(m policy.Member) bool { return strings.HasPrefix(m.Name, "EncryptionContext") })
	switch {
	case !context:
	case c.o.KeySpec != "" && c.o.KeySpec != symmetric:
		c.add("KR_GRANT_CONSTRAINT_IGNORED", g.constraint.Pos, "A key of spec %s takes no encryption context.", c.o.KeySpec)
	case len(g.operations) > 0 && !g.has(withContext...) && !g.has("CreateGrant"):
		c.add("KR_GRANT_CONSTRAINT_IGNORED", g.constraint.Pos, "None of the operations takes an encryption context.")
	}
}

// grantAccount looks for grantees of accounts that are not trusted.
func (c *checker) grantAccount(g *grant) {
	own, account := cmp.Or(accountIn(g.key), c.o.Account, accountIn(g.issuer)), accountIn(g.grantee.Text)
	if own != "" && account != "" && account != own && account != c.o.Account && !slices.Contains(c.o.Trusted, account) {
		c.add("KR_CROSS_ACCOUNT", g.grantee.Pos, "The grantee is of account %s. If it is trusted, say so with --trusted.", account)
	}
}

// accountIn is the account of an ARN, or an account id by itself; empty for
// anything else.
func accountIn(text string) string {
	if accountForm.MatchString(text) {
		return text
	}
	if fields := strings.SplitN(text, ":", 6); len(fields) == 6 && accountForm.MatchString(fields[4]) {
		return fields[4]
	}
	return ""
}

func (c *checker) grantAge(g *grant) {
	if g.created == nil || c.o.Now.IsZero() || c.o.GrantAge <= 0 {
		return
	}
	at, ok := policy.Date(g.created.Text)
	if seconds, err := strconv.ParseFloat(g.created.Text, 64); !ok && err == nil {
		at, ok = time.Unix(int64(seconds), 0), true
	} else if t, err := time.Parse(time.RFC3339Nano, g.created.Text); !ok && err == nil {
		at, ok = t, true
	}
	if age := c.o.Now.Sub(at); ok && age > c.o.GrantAge {
		c.add("KR_GRANT_STALE", g.created.Pos, "The grant is %d days old, and grants do not expire.", int(age.Hours()/24))
	}
}

// duplicates looks for grants that give the same to the same.
func (c *checker) duplicates(all []*grant) {
	seen := map[string]*grant{}
	for _, g := range all {
		var operations []string
		for i := range g.operations {
			operations = append(operations, g.operations[i].Text)
		}
		slices.Sort(operations)
		parts := append([]string{g.key, g.grantee.Text, g.retirer.Text, strconv.Itoa(len(operations))}, operations...)
		if g.constraint != nil {
			parts = append(parts, canonical(&g.constraint.Value))
		}
		id := quoted(strings.Join(parts, "\x00"))
		if first := seen[id]; first != nil && len(operations) > 0 {
			c.add("KR_GRANT_DUPLICATE", g.node.Pos, "The grant on line %d gives the same.", first.node.Pos.Line)
		} else {
			seen[id] = g
		}
	}
}

// canonical writes JSON with the names of objects in order.
func canonical(n *policy.Node) string {
	switch n.Kind {
	case policy.ObjectNode:
		var parts []string
		for i := range n.Members {
			parts = append(parts, quoted(n.Members[i].Name)+":"+canonical(&n.Members[i].Value))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case policy.ArrayNode:
		var parts []string
		for i := range n.Items {
			parts = append(parts, canonical(&n.Items[i]))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case policy.StringNode:
		return quoted(n.Text)
	default:
		return n.Text
	}
}
