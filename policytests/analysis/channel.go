package analysis

import (
	"maps"
	"slices"
	"strings"
)

// Addresses that RFC 5737 keeps for examples: of clients and of services, as
// case lines have them.
const (
	clientAddress  = "192.0.2.1"
	serviceAddress = "198.51.100.1"
)

var channelKeys = []string{"aws:sourceip", "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce", "kms:viaservice", "aws:viaawsservice",
	"aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "kms:grantisforawsresource"}

// channel is how a request comes: from an address, through a VPC endpoint, or
// through services that call for the principal.
func (sp *space) channel(s *subject) *dimension {
	name := "channel " + s.on.region + " " + s.by.key()
	if !s.u.open {
		name += " " + s.caller.Account + " " + s.action.Name
	}
	return sp.dimension(name, channelKeys, func() []option {
		if s.by.endpoint != nil {
			return sp.throughEndpoint(s)
		}
		return append(sp.direct(), sp.throughServices(s)...)
	})
}

func (sp *space) addresses(key string) []string {
	return choose(sp.conditions[key], domain{seeds: []string{clientAddress}}, nil).values
}

func (sp *space) direct() []option {
	var all []option
	for _, a := range sp.addresses("aws:sourceip") {
		all = append(all, option{keys: channelOf("aws:sourceip", a)})
	}
	return all
}

func channelOf(key, address string) map[string][]string {
	return map[string][]string{key: {address}, "aws:viaawsservice": {"false"}, "kms:grantisforawsresource": {"false"}}
}

// throughEndpoint are the ways through one VPC endpoint, or through any.
func (sp *space) throughEndpoint(s *subject) []option {
	ids, vpcs := []string{s.by.endpoint.ID}, []string{s.by.endpoint.VPC}
	if s.by.open {
		ids = sp.choice("aws:sourcevpce").values
		vpcs = sp.choice("aws:sourcevpc").values
	}
	var all []option
	for _, id := range ids {
		for _, vpc := range vpcs {
			for _, a := range sp.addresses("aws:vpcsourceip") {
				keys := channelOf("aws:vpcsourceip", a)
				keys["aws:sourcevpce"], keys["aws:sourcevpc"] = []string{id}, []string{vpc}
				all = append(all, option{keys: keys})
			}
		}
	}
	return all
}

// throughServices are the chains of services that can call, from each address
// that conditions tell apart. Whether a grant is for a resource of a service is
// not told by who calls last.
func (sp *space) throughServices(s *subject) []option {
	var all []option
	for _, chain := range sp.chains(sp.services(s)) {
		keys := forwarded(s.on.region, chain...)
		all = append(all, option{keys: keys})
		if sp.grantsAsked {
			other := maps.Clone(keys)
			other["kms:grantisforawsresource"] = []string{"false"}
			all = append(all, option{keys: other})
		}
	}
	for _, o := range slices.Clone(all) {
		for _, a := range sp.serviceAddresses() {
			keys := maps.Clone(o.keys)
			keys["aws:sourceip"] = []string{a}
			all = append(all, option{keys: keys})
		}
	}
	return all
}

// serviceAddresses are those that services can call from besides their usual
// one.
func (sp *space) serviceAddresses() []string {
	if len(sp.conditions["aws:sourceip"]) == 0 {
		return nil
	}
	return sp.addresses("aws:sourceip")
}

// maxChains bounds the chains of services that are tried.
const maxChains = 1000

// chains are those that services can form. Where conditions ask for those that
// called, they differ by the first, by the last, and by one between for each
// condition on any or all of them.
func (sp *space) chains(services []string) [][]string {
	var all [][]string
	for _, last := range services {
		all = append(all, []string{last})
	}
	between := len(sp.conditions["aws:calledvia"])
	if between+len(sp.conditions["aws:calledviafirst"])+len(sp.conditions["aws:calledvialast"]) == 0 {
		return all
	}
	middles := [][]string{nil}
	for from, size := 0, 0; size < between; size++ {
		until := len(middles)
		for _, m := range middles[from:until] {
			for i, x := range services {
				if len(m) == 0 || slices.Index(services, m[len(m)-1]) < i {
					middles = append(middles, append(slices.Clone(m), x))
				}
			}
			if len(middles) > maxChains {
				break
			}
		}
		from = until
	}
	for _, last := range services {
		for _, first := range services {
			for _, m := range middles {
				if len(all) >= maxChains {
					sp.limits["aws:calledvia"] = "too many chains of services"
					return all
				}
				all = append(all, slices.Concat([]string{first}, m, []string{last}))
			}
		}
	}
	return all
}

// forwarded are the keys of a call by a chain of service principals.
func forwarded(region string, chain ...string) map[string][]string {
	last := chain[len(chain)-1]
	return map[string][]string{
		"aws:sourceip": {serviceAddress}, "aws:viaawsservice": {"true"}, "kms:grantisforawsresource": {"true"},
		"kms:viaservice": {strings.TrimSuffix(last, ".amazonaws.com") + "." + region + ".amazonaws.com"},
		"aws:calledvia":  chain, "aws:calledviafirst": chain[:1], "aws:calledvialast": {last},
	}
}

// services are the service principals that can call for the subject: those of
// the world that have the mandate, or any that policies tell apart.
func (sp *space) services(s *subject) []string {
	var all []string
	if !s.u.open {
		services := s.u.world.Services()
		for i := range services {
			if services[i].May(s.caller.Account, s.on.region, s.action.Name) {
				all = append(all, services[i].Principal)
			}
		}
		return all
	}
	suffix := "." + s.on.region + ".amazonaws.com"
	form := join(some(lower), literal(suffix))
	c := choose(sp.conditions["kms:viaservice"], domain{form: form, seeds: []string{"s3" + suffix, "ec2" + suffix}}, sp.more("kms:viaservice"))
	for _, v := range c.values {
		all = append(all, strings.TrimSuffix(v, suffix)+".amazonaws.com")
	}
	for _, key := range []string{"aws:calledvia", "aws:calledviafirst", "aws:calledvialast"} {
		for _, v := range choose(sp.conditions[key], domain{form: serviceForm, seeds: []string{"s3.amazonaws.com"}}, sp.more(key)).values {
			if strings.HasSuffix(v, ".amazonaws.com") && !slices.Contains(all, v) {
				all = append(all, v)
			}
		}
	}
	if !c.complete {
		sp.limits["kms:viaservice"] = "too many combinations of the patterns on kms:ViaService"
	}
	return all
}
