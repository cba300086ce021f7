package policytests

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// sessionsCannotDiffer is an error if a proof about a key says too much: it
// knows the sessions of roles by the names that policies have as principals,
// and with the tags that the world gives the role. Whoever assumes a role
// chooses the name, which aws:userid holds, and where the trust policy lets it
// also tags.
func (a *Asker) sessionsCannotDiffer(at caseline.Word, k *world.Key) error {
	taggable := a.taggable()
	for _, p := range a.attachments() {
		kind := p.policy.Document.Kind
		if kind == policy.Trust || kind == policy.Key && p.policy != k.Policy {
			continue
		}
		text := strings.ToLower(p.policy.Document.Text)
		if strings.Contains(text, "aws:userid") {
			return failf(at, "it cannot be said of %s whether this holds: %s depends on aws:userid, and so on the names of role sessions", a.KeyName(k), p.policy.File)
		}
		if strings.Contains(text, "aws:principaltag/") && taggable != "" {
			return failf(at, "it cannot be said of %s whether this holds: %s depends on aws:PrincipalTag, and sessions of %s may bring tags of their own",
				a.KeyName(k), p.policy.File, taggable)
		}
	}
	return nil
}

// taggable is a role whose trust policy lets those who assume it bring tags;
// empty if there is none.
func (a *Asker) taggable() string {
	for _, acc := range a.cfg.World.Accounts() {
		for _, r := range acc.Roles {
			if slices.ContainsFunc(r.Trust.Document.Statements, allowsTags) {
				return a.unambiguous("role/"+r.Name, acc).Text
			}
		}
	}
	return ""
}

func allowsTags(s policy.Statement) bool {
	return s.Effect == policy.Allow && slices.ContainsFunc(s.Actions, func(v policy.Value) bool {
		return like(strings.ToLower(v.Text), "sts:tagsession")
	})
}
