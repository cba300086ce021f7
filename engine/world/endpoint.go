package world

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// An Endpoint is a VPC endpoint for the service.
type Endpoint struct {
	ID        string // vpce-…
	Account   string
	Region    string
	VPC       string
	Policy    *Policy        // nil: everything is allowed
	Hosts     []string       // names that select it among those of its listeners and peers
	Listeners []string       // names of listeners bound to it
	Peers     []netip.Prefix // proxies whose PROXY protocol header may name it
}

// At tells whether connections of the endpoint come in at a listener: one that
// is bound to it, or the public one, whose name is empty, if none is.
func (e *Endpoint) At(listener string) bool {
	if len(e.Listeners) == 0 {
		return listener == ""
	}
	return slices.Contains(e.Listeners, listener)
}

// Trusts tells whether a peer is a proxy that may name the endpoint.
func (e *Endpoint) Trusts(peer netip.Addr) bool {
	peer = peer.Unmap()
	return slices.ContainsFunc(e.Peers, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// Endpoint returns the VPC endpoint with an id.
func (w *World) Endpoint(id string) (*Endpoint, bool) {
	i := slices.IndexFunc(w.endpoints, func(e Endpoint) bool { return e.ID == id })
	if i < 0 {
		return nil, false
	}
	return &w.endpoints[i], true
}

// Proxied tells whether a peer that connects to a listener is a proxy of one
// of the listener's endpoints, which must say so in a PROXY protocol header.
func (w *World) Proxied(listener string, peer netip.Addr) bool {
	return slices.ContainsFunc(w.endpoints, func(e Endpoint) bool { return e.At(listener) && e.Trusts(peer) })
}

// endpoint reads a VPC endpoint.
func (l *loader) endpoint(id string, v value) {
	e := Endpoint{ID: id}
	var peers []string
	v.named(isEndpoint)
	v.fields(table{
		"account":   textInto(&e.Account, isAccount),
		"region":    textInto(&e.Region, isRegion),
		"vpc":       textInto(&e.VPC, isVPC),
		"hosts":     textsInto(&e.Hosts, isHost),
		"listeners": textsInto(&e.Listeners, isListener),
		"peers":     textsInto(&peers, isPeers),
		"policy": func(v value) {
			e.Policy = &Policy{}
			l.policyInto(e.Policy, policy.Endpoint)(v)
		},
	}, "account", "region", "vpc")
	for _, peer := range peers {
		if prefix, err := netip.ParsePrefix(peer); err == nil { // isPeers has reported any that is not
			e.Peers = append(e.Peers, prefix)
		}
	}
	if e.Policy != nil {
		e.Policy.Account = e.Account
	}
	l.later(func() {
		v.accountExists(e.Account)
		if !l.world.Offers(e.Account, e.Region) {
			v.failf("the account does not have the Region %s", e.Region)
		}
	})
	l.world.endpoints = append(l.world.endpoints, e)
	slices.SortFunc(l.world.endpoints, func(a, b Endpoint) int { return strings.Compare(a.ID, b.ID) })
}

// isPeers checks a range of proxies. All addresses are no range: whoever can
// connect could then name the endpoint.
func isPeers(text string) string {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil || p != p.Masked() || p.Addr().Is4In6():
		return "must be an address range such as 10.1.0.0/16, without host bits"
	case p.Bits() == 0:
		return "all addresses may be no proxies; name the range of yours"
	}
	return ""
}
