package repl

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"strings"

	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	oparepl "github.com/open-policy-agent/opa/v1/repl"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/export"
)

// rego evaluates an expression in OPA's own REPL, on the compiled policies of
// the world and the request of the scene as input; without one it opens that
// REPL, where there is a terminal.
func rego(ctx context.Context, s *Session, rest string) (Answer, error) {
	if rest == "" && !s.cfg.Interactive {
		return Answer{}, misuse(":rego needs a terminal; :rego EXPRESSION evaluates one, such as :rego data.keyreeve.answer.decision")
	}
	store, note, err := s.regoStore(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("compiling the world: %w", err)
	}
	if rest == "" {
		banner := "OPA's REPL, on the compiled policies of the world. " + note +
			"\nTry: data.keyreeve.answer.decision, data.keyreeve.policies, help. exit, or Ctrl-D twice, comes back."
		return Answer{}, oparepl.New(store, "", s.cfg.out(), "pretty", 0, banner).Loop(ctx)
	}
	var b bytes.Buffer
	if err := oparepl.New(store, "", &b, "pretty", 0, "").DisableMultiLineBuffering(true).OneShot(ctx, rest); err != nil {
		return Answer{}, &Misuse{err}
	}
	text := strings.TrimRight(b.String(), "\n")
	if text == "undefined" {
		text += "\n" + s.faint(note)
	}
	return Answer{Value: Text{rest, text}, Text: text}, nil
}

// regoStore holds the world as a bundle has it, and the scene's request where
// OPA's REPL looks for the input.
func (s *Session) regoStore(ctx context.Context) (storage.Store, string, error) {
	var archive bytes.Buffer
	if err := export.Bundle(&archive, s.current.world, nil); err != nil {
		return nil, "", err
	}
	b, err := opabundle.NewReader(&archive).Read()
	if err != nil {
		return nil, "", err
	}
	data := maps.Clone(b.Data)
	note := "The scene is no whole request, so there is no input yet."
	if input, name := s.regoInput(); input != nil {
		data["repl"] = map[string]any{"input": input}
		note = "input is: " + name + "."
	}
	store := inmem.NewFromObject(data)
	err = storage.Txn(ctx, store, storage.WriteParams, func(txn storage.Transaction) error {
		for _, m := range b.Modules {
			if err := store.UpsertPolicy(ctx, txn, m.Path, m.Raw); err != nil {
				return err
			}
		}
		return nil
	})
	return store, note, err
}

// regoInput is the scene's request as the bundle's rules read it; nil if the
// scene is not whole.
func (s *Session) regoInput() (input map[string]any, name string) {
	_, all, err := s.requests("")
	if err != nil || len(all) != 1 {
		return nil, ""
	}
	q, err := s.current.base.Question(all[0].Request)
	if err != nil || q.Principal.Type == decision.Service {
		return nil, ""
	}
	values := map[string]any{}
	for key, list := range q.Context {
		values[key] = anyList(list)
	}
	input = map[string]any{"caller": s.regoCaller(all[0], q), "action": q.Action, "context": values}
	if q.Principal.Session != "" && q.Principal.Type == decision.Role {
		input["principal"] = map[string]any{"session": q.Principal.Session}
	}
	if len(all[0].Resources) > 0 && q.Resource.ARN != "*" {
		input["target"] = q.Resource.ARN
	}
	if all[0].Endpoint.Text != "" {
		input["endpoint"] = all[0].Endpoint.Text
	}
	if len(q.EncryptionContext) > 0 {
		pairs := map[string]any{}
		for k, v := range q.EncryptionContext {
			pairs[k] = v
		}
		input["encryption_context"] = pairs
	}
	return input, all[0].text
}

// regoCaller is a principal as bundles name it.
func (s *Session) regoCaller(r request, q decision.Question) string {
	name := r.Principals[0].Text
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	name, _ = cutAccount(s.current.world, name)
	return name + "@" + q.Principal.Account
}

func anyList(values []string) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}

// out is where interactive programs write.
func (c Config) out() io.Writer {
	if c.Out == nil {
		return io.Discard
	}
	return c.Out
}
