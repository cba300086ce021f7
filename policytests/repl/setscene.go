package repl

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// forget is what takes a part of the scene away.
const forget = "-"

// probe is a request that nobody refuses for its form: what is said of a scene
// is tried in it.
const probe = "root kms:Encrypt key/x "

// as says who asks, with session, session policies, tags and MFA.
func as(_ context.Context, s *Session, rest string) (Answer, error) {
	next := s.state
	w := words(rest)
	switch {
	case len(w) == 0:
		return Answer{}, misuse("as whom? as role/payroll, or as - to forget")
	case w[0] == forget && len(w) == 1:
		next.scene.who, next.scene.session = "", nil
		s.step(next)
		return s.sceneAnswer()
	case !isPrincipal(w[0]):
		return Answer{}, misuse("%s is no principal: root, user/NAME, role/NAME, federated/NAME, web/NAME, service/NAME or an ARN", w[0])
	}
	r, err := caseline.ParseRequest(w[0] + " kms:ListKeys " + strings.Join(w[1:], " "))
	if err != nil {
		return Answer{}, plain(err)
	}
	if len(r.Keys)+len(r.Absent)+len(r.Services)+len(r.Grants)+len(r.Resources) > 0 || r.Endpoint.Text != "" || !r.At.IsZero() || r.Region.Text != "" {
		return Answer{}, misuse("after as stand a principal and what its session brings (session, with); say the rest with via, at, in and set")
	}
	for _, p := range r.Principals {
		if err := s.exists(p.Text); err != nil {
			return Answer{}, err
		}
	}
	next.scene.who, next.scene.session = w[0], w[1:]
	s.step(next)
	return s.sceneAnswer()
}

// exists asks for something that everybody can ask, to learn whether the world
// has a principal.
func (s *Session) exists(principal string) error {
	r := caseline.Request{Principals: []caseline.Word{{Text: principal}}, Actions: []caseline.Word{{Text: "kms:ListKeys"}}}
	_, err := s.current.base.Question(r)
	var e caseline.Error
	if errors.As(err, &e) && !strings.HasPrefix(principal, "service/") {
		return plain(err)
	}
	return nil
}

func do(_ context.Context, s *Session, rest string) (Answer, error) {
	next := s.state
	switch w := words(rest); {
	case len(w) == 1 && w[0] == forget:
		next.scene.do = ""
	case len(w) == 1 && isAction(w[0]):
		r, err := caseline.ParseRequest("root " + w[0])
		if err != nil {
			return Answer{}, plain(err)
		}
		for _, a := range r.Actions {
			if err := knownAction(a.Text); err != nil {
				return Answer{}, err
			}
		}
		next.scene.do = w[0]
	default:
		return Answer{}, misuse("do what? do kms:Decrypt, do [kms:Encrypt, kms:Decrypt], or do - to forget")
	}
	s.step(next)
	return s.sceneAnswer()
}

// on says what is asked about; with a layer it switches that on again.
func on(ctx context.Context, s *Session, rest string) (Answer, error) {
	w := words(rest)
	if len(w) > 0 && slices.Contains(layerNames(), w[0]) {
		return switchOn(ctx, s, rest)
	}
	next := s.state
	switch {
	case len(w) == 1 && w[0] == forget:
		next.scene.on = ""
	case len(w) == 1 && isResource(w[0]):
		next.scene.on = w[0]
	default:
		return Answer{}, misuse("on which resource? on key/payroll, on alias/payroll, on - to forget; or on a layer that is off: %s", strings.Join(layerNames(), ", "))
	}
	s.step(next)
	return s.sceneAnswer()
}

// clause sets a clause of the scene that is one word and what follows it.
func clause(word, example string, into func(*scene) *string) func(context.Context, *Session, string) (Answer, error) {
	return func(_ context.Context, s *Session, rest string) (Answer, error) {
		next := s.state
		switch w := words(rest); {
		case len(w) == 0:
			return Answer{}, misuse("%s, or %s - to forget", example, word)
		case len(w) == 1 && w[0] == forget:
			*into(&next.scene) = ""
		default:
			if word == "at" && rest == "now" {
				rest = s.cfg.Clock().UTC().Truncate(time.Second).Format(time.RFC3339)
			}
			if _, err := caseline.ParseRequest(probe + word + " " + rest); err != nil {
				return Answer{}, plain(err)
			}
			if len(words(rest)) > 2 || word != "via" && len(words(rest)) > 1 {
				return Answer{}, misuse("%s, and nothing after it", example)
			}
			if err := s.sensible(word, rest); err != nil {
				return Answer{}, err
			}
			*into(&next.scene) = rest
		}
		s.step(next)
		return s.sceneAnswer()
	}
}

// sensible checks names of endpoints and Regions, so that a slip is told where
// it is made.
func (s *Session) sensible(word, rest string) error {
	w := words(rest)
	switch {
	case word == "in" && !slices.Contains(s.current.world.Regions(), w[0]):
		return misuse("this world does not have the Region %s; it has %s", w[0], strings.Join(s.current.world.Regions(), ", "))
	case word == "via" && w[0] == "endpoint":
		if _, known := s.current.world.Endpoint(w[1]); !known {
			return misuse("there is no endpoint %s in this world; show endpoints lists them", w[1])
		}
	}
	return nil
}

// setKeys says which condition keys requests hold, or lack.
func setKeys(_ context.Context, s *Session, rest string) (Answer, error) {
	w := words(rest)
	if len(w) == 0 {
		return s.sceneAnswer()
	}
	next := s.state
	next.scene.keys = slices.Clone(next.scene.keys)
	for _, pair := range w {
		if !isPair(pair) {
			return Answer{}, misuse("%s is no KEY=VALUE and no !KEY", pair)
		}
		r, err := caseline.ParseRequest(probe + pair)
		if err != nil {
			return Answer{}, plain(err)
		}
		if err := knownKey(r); err != nil {
			return Answer{}, err
		}
		next.scene.keys = append(without(next.scene.keys, pair), pair)
	}
	s.step(next)
	return s.sceneAnswer()
}

func unset(_ context.Context, s *Session, rest string) (Answer, error) {
	w := words(rest)
	if len(w) == 0 {
		return Answer{}, misuse("unset which condition key? unset kms:ViaService, or unset * for all")
	}
	next := s.state
	for _, key := range w {
		kept := without(next.scene.keys, key)
		if key == "*" {
			kept = nil
		} else if len(kept) == len(next.scene.keys) {
			return Answer{}, misuse("%s is not set", key)
		}
		next.scene.keys = kept
	}
	s.step(next)
	return s.sceneAnswer()
}

// without is pairs but for those of a key.
func without(pairs []string, key string) []string {
	return slices.DeleteFunc(slices.Clone(pairs), func(p string) bool { return pairKey(p) == pairKey(key) })
}

// A Scene is what requests hold that name only a part, as programs read it.
type Scene struct {
	As   string   `json:"as,omitempty"`
	Do   string   `json:"do,omitempty"`
	On   string   `json:"on,omitempty"`
	Via  string   `json:"via,omitempty"`
	At   string   `json:"at,omitempty"`
	In   string   `json:"in,omitempty"`
	Keys []string `json:"keys,omitempty"`
	Off  []string `json:"off,omitempty"`
}

// sceneAnswer tells the scene as it is now.
func (s *Session) sceneAnswer() (Answer, error) {
	sc := s.state.scene
	value := Scene{
		As: strings.TrimSpace(sc.who + " " + strings.Join(sc.session, " ")),
		Do: sc.do, On: sc.on, Via: sc.via, At: sc.at, In: sc.in, Keys: sc.keys, Off: s.state.off,
	}
	lines := sc.lines()
	if len(s.state.off) > 0 {
		lines = append(lines, "off "+strings.Join(s.state.off, " "))
	}
	if len(lines) == 0 {
		return Answer{Value: value, Text: s.faint("nothing is set")}, nil
	}
	return Answer{Value: value, Text: s.faint(strings.Join(lines, " · "))}, nil
}
