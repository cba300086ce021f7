package lsp

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
)

// A request serves one method, on the documents as they were when it came.
type request func(ctx context.Context, v *view, m message) (any, error)

// requests are the methods that are served beside each other.
var requests = map[string]request{
	"textDocument/hover":          onPlace((*view).hover),
	"textDocument/completion":     onPlace((*view).complete),
	"textDocument/codeAction":     direct((*view).codeActions),
	"textDocument/codeLens":       onDocument((*view).lenses),
	"textDocument/formatting":     onDocument((*view).format),
	"textDocument/documentSymbol": onDocument((*view).symbols),
	"workspace/executeCommand":    direct((*view).execute),
}

// direct is a request that reads its parameters itself.
func direct(do func(*view, context.Context, message) (any, error)) request {
	return func(ctx context.Context, v *view, m message) (any, error) { return do(v, ctx, m) }
}

// onDocument is a request about a document that is open; of others there is
// nothing to say.
func onDocument[T any](do func(*view, context.Context, *document) (T, error)) request {
	return func(ctx context.Context, v *view, m message) (any, error) {
		var p documentParams
		if err := decodeParams(m, &p); err != nil {
			return nil, err
		}
		if d := v.docs[p.Document.URI]; d != nil {
			return do(v, ctx, d)
		}
		return nil, nil
	}
}

// onPlace is a request about a place in a document.
func onPlace[T any](do func(*view, context.Context, *document, int) (T, error)) request {
	return func(ctx context.Context, v *view, m message) (any, error) {
		var p placeParams
		if err := decodeParams(m, &p); err != nil {
			return nil, err
		}
		if d := v.docs[p.Document.URI]; d != nil {
			return do(v, ctx, d, d.text.offset(p.Position))
		}
		return nil, nil
	}
}

// lifecycle answers initialize and shutdown.
func (s *server) lifecycle(m message) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Method == "shutdown" {
		if !s.started {
			return nil, &rpcError{codeNotInitialized, "the first request is initialize"}
		}
		s.stopping = true
		return nil, nil
	}
	if s.started {
		return nil, &rpcError{codeInvalidRequest, "initialize comes once"}
	}
	var p struct {
		Capabilities struct {
			Workspace struct {
				WorkspaceEdit struct {
					DocumentChanges    bool     `json:"documentChanges"`
					ResourceOperations []string `json:"resourceOperations"`
				} `json:"workspaceEdit"`
			} `json:"workspace"`
		} `json:"capabilities"`
	}
	if err := decodeParams(m, &p); err != nil {
		return nil, err
	}
	edits := p.Capabilities.Workspace.WorkspaceEdit
	s.files = edits.DocumentChanges && slices.Contains(edits.ResourceOperations, "create")
	s.started = true
	return map[string]any{
		"serverInfo": map[string]string{"name": "keyreeve", "version": s.cfg.Version},
		"capabilities": map[string]any{
			"positionEncoding":           "utf-16",
			"textDocumentSync":           map[string]any{"openClose": true, "change": 2, "save": true},
			"hoverProvider":              true,
			"completionProvider":         map[string]any{"triggerCharacters": []string{`"`, ":", " ", "/", "["}},
			"codeActionProvider":         map[string]any{"codeActionKinds": []string{"quickfix"}},
			"codeLensProvider":           map[string]any{},
			"documentFormattingProvider": true,
			"documentSymbolProvider":     true,
			"executeCommandProvider":     map[string]any{"commands": slices.Sorted(maps.Keys(commands))},
		},
	}, nil
}

// notified carries out a notification. Unknown ones are passed over, as the
// protocol wants it.
func (s *server) notified(m message) error {
	s.mu.Lock()
	started := s.started && !s.stopping
	s.mu.Unlock()
	if !started {
		return nil
	}
	switch m.Method {
	case "$/cancelRequest":
		return s.cancel(m)
	case "textDocument/didOpen":
		return s.opened(m)
	case "textDocument/didChange":
		return s.changed(m)
	case "textDocument/didSave", "workspace/didChangeWatchedFiles":
		s.mu.Lock()
		s.epoch++
		s.mu.Unlock()
		s.work.hurry()
	case "textDocument/didClose":
		return s.closed(m)
	}
	return nil
}

func (s *server) cancel(m message) error {
	var p struct {
		ID json.RawMessage `json:"id"`
	}
	if err := decodeParams(m, &p); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.cancels[string(p.ID)]; cancel != nil {
		cancel()
	}
	return nil
}
