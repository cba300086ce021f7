package analysis

import (
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

// throughServices are the chains of services, of one or two, that can call.
func (sp *space) throughServices(s *subject) []option {
	services := sp.services(s)
	firsts := services
	if len(sp.conditions["aws:calledvia"])+len(sp.conditions["aws:calledviafirst"])+len(sp.conditions["aws:calledvialast"]) == 0 {
		firsts = nil
	}
	var all []option
	for _, last := range services {
		all = append(all, option{keys: forwarded(s.on.region, last)})
		for _, first := range firsts {
			if first != last {
				all = append(all, option{keys: forwarded(s.on.region, first, last)})
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
