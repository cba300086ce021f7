package world

import (
	"path"
	"slices"
	"strings"
)

// A Service is an integrated AWS service with credentials of its own.
type Service struct {
	Principal string // s3.amazonaws.com
	Keys      []AccessKey
	ActsFor   []Mandate
	// Managed names its AWS managed keys: s3 for alias/aws/s3. Sorted.
	Managed []string
}

// A Mandate says for whom a service may act. Empty lists admit nothing.
type Mandate struct {
	Accounts []string
	Regions  []string
	Actions  []string // patterns such as kms:GenerateDataKey*
}

// Name is the service's name without domain: s3.
func (s *Service) Name() string { return serviceName(s.Principal) }

// Via is what kms:ViaService and regional policies call the service in a
// Region. Guide, "kms:ViaService": the domain is the same in each partition.
func (s *Service) Via(region string) string { return s.Name() + "." + region + ".amazonaws.com" }

// Names are the names of the service principal in a Region, the one it acts as
// first.
func (s *Service) Names(region string) []string { return []string{s.Principal, s.Via(region)} }

// May tells whether the service may act for an account in a Region with an
// action such as kms:Decrypt. Without a mandate it may not.
func (s *Service) May(account, region, action string) bool {
	return slices.ContainsFunc(s.ActsFor, func(m Mandate) bool {
		return slices.Contains(m.Accounts, account) && slices.Contains(m.Regions, region) &&
			slices.ContainsFunc(m.Actions, func(pattern string) bool {
				matched, err := path.Match(strings.ToLower(pattern), strings.ToLower(action))
				return matched && err == nil // isAction leaves no pattern that is malformed
			})
	})
}

// serviceName is the service principal without domain.
func serviceName(principal string) string {
	return strings.TrimSuffix(strings.TrimSuffix(principal, ".cn"), ".amazonaws.com")
}

// Service returns the integrated service with a service principal.
func (w *World) Service(principal string) (*Service, bool) {
	return w.serviceThat(func(s *Service) bool { return s.Principal == principal })
}

// ServiceNamed returns the integrated service that is called name in one of
// the world's Regions: by its service principal or its regional name.
func (w *World) ServiceNamed(name string) (*Service, bool) {
	return w.serviceThat(func(s *Service) bool {
		return s.Principal == name || slices.ContainsFunc(w.regions, func(region string) bool { return s.Via(region) == name })
	})
}

func (w *World) knowsService(name string) bool {
	_, known := w.ServiceNamed(name)
	return known
}

// ServiceOfKey returns the service whose AWS managed key has an alias such as
// alias/aws/s3.
func (w *World) ServiceOfKey(alias string) (*Service, bool) {
	name, reserved := strings.CutPrefix(alias, reservedAliases)
	if !reserved {
		return nil, false
	}
	return w.serviceThat(func(s *Service) bool { return slices.Contains(s.Managed, name) })
}

// PredefinedAliases lists the aliases of all AWS managed keys that the
// services of the world can have, sorted (ALS-18).
func (w *World) PredefinedAliases() []string {
	var all []string
	for i := range w.services {
		for _, name := range w.services[i].Managed {
			all = append(all, reservedAliases+name)
		}
	}
	slices.Sort(all)
	return all
}

func (w *World) serviceThat(is func(*Service) bool) (*Service, bool) {
	for i := range w.services {
		if is(&w.services[i]) {
			return &w.services[i], true
		}
	}
	return nil, false
}

// reservedAliases begins the names of the aliases of AWS managed keys.
const reservedAliases = "alias/aws/"

// service reads an integrated service.
func (l *loader) service(principal string, v value) {
	s := Service{Principal: principal}
	if name := s.Name(); isManagedName(name) == "" {
		s.Managed = []string{name}
	}
	v.named(isService)
	v.fields(table{
		"access-keys":  l.accessKeysInto(&s.Keys, AccessKey{Service: principal}),
		"managed-keys": textsInto(&s.Managed, isManagedName),
		"acts-for": func(v value) {
			for _, item := range v.items() {
				s.ActsFor = append(s.ActsFor, l.mandate(item))
			}
		},
	}, "access-keys")
	slices.Sort(s.Managed)
	l.unique("service "+s.Name(), v)
	for _, name := range s.Managed {
		l.unique(reservedAliases+name, v)
	}
	l.later(func() {
		for _, region := range l.world.regions {
			if strings.HasSuffix(s.Name(), "."+region) {
				v.keyFailf("is the service's name in one Region; name it without")
			}
		}
	})
	l.world.services = append(l.world.services, s)
	slices.SortFunc(l.world.services, func(a, b Service) int { return strings.Compare(a.Principal, b.Principal) })
}

func (l *loader) mandate(v value) Mandate {
	var m Mandate
	v.fields(table{
		"accounts": textsInto(&m.Accounts, isAccount),
		"regions":  textsInto(&m.Regions, isRegion),
		"actions":  textsInto(&m.Actions, isAction),
	}, "accounts", "regions", "actions")
	l.later(func() {
		for _, id := range m.Accounts {
			v.accountExists(id)
		}
		for _, region := range m.Regions {
			if !slices.Contains(l.world.regions, region) {
				v.failf("the world does not have the Region %s", region)
			}
		}
	})
	return m
}
