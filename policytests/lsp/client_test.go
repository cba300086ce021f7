package lsp_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sourcegraph/jsonrpc2"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/lsp"
)

// now is the time of all tests.
var now = time.Date(2026, time.November, 24, 0, 0, 0, 0, time.UTC)

// A client is an editor on the other end of two pipes. Its JSON-RPC is another
// implementation than the server's.
type client struct {
	t      *testing.T
	conn   *jsonrpc2.Conn
	ctx    context.Context
	served chan error

	mu    sync.Mutex
	news  chan struct{} // closed and made anew with each notification
	told  map[string][]published
	shown []string
}

type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

type span struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

type diagnostic struct {
	Range    span   `json:"range"`
	Severity int    `json:"severity"`
	Code     string `json:"code"`
	Source   string `json:"source"`
	Message  string `json:"message"`
}

type published struct {
	URI         string       `json:"uri"`
	Version     int          `json:"version"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

// codes are the rules, or for other diagnostics the messages.
func (p published) codes() []string {
	var all []string
	for _, d := range p.Diagnostics {
		if d.Code == "" {
			d.Code = d.Message
		}
		all = append(all, d.Code)
	}
	return all
}

type pipes struct {
	io.Reader
	io.WriteCloser
}

// connect starts a server and an editor.
func connect(t *testing.T) *client {
	t.Helper()
	toServer, fromClient := io.Pipe()
	toClient, fromServer := io.Pipe()
	c := &client{t: t, ctx: t.Context(), served: make(chan error, 1), news: make(chan struct{}), told: map[string][]published{}}
	go func() {
		err := lsp.Serve(context.Background(), lsp.Config{In: toServer, Out: fromServer, Version: "test", Now: func() time.Time { return now }, Pause: time.Millisecond})
		c.served <- err
		_ = fromServer.Close()
	}()
	stream := jsonrpc2.NewBufferedStream(pipes{toClient, fromClient}, jsonrpc2.VSCodeObjectCodec{})
	c.conn = jsonrpc2.NewConn(c.ctx, stream, jsonrpc2.HandlerWithError(c.hear))
	t.Cleanup(func() { _ = c.conn.Close() })
	return c
}

// started is a client that has said initialize.
func started(t *testing.T) *client {
	t.Helper()
	c := connect(t)
	var result struct {
		Capabilities map[string]any `json:"capabilities"`
	}
	c.call("initialize", map[string]any{"capabilities": map[string]any{"workspace": map[string]any{"workspaceEdit": map[string]any{
		"documentChanges": true, "resourceOperations": []string{"create"}}}}}, &result)
	require.Equal(t, true, result.Capabilities["hoverProvider"])
	c.notify("initialized", map[string]any{})
	return c
}

func (c *client) hear(_ context.Context, _ *jsonrpc2.Conn, r *jsonrpc2.Request) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.Method {
	case "textDocument/publishDiagnostics":
		var p published
		if err := json.Unmarshal(*r.Params, &p); err != nil {
			return nil, err
		}
		c.told[p.URI] = append(c.told[p.URI], p)
	default:
		c.shown = append(c.shown, string(*r.Params))
	}
	close(c.news)
	c.news = make(chan struct{})
	return nil, nil
}

func (c *client) call(method string, params, result any) {
	c.t.Helper()
	require.NoError(c.t, c.conn.Call(c.ctx, method, params, result), method)
}

func (c *client) notify(method string, params any) {
	c.t.Helper()
	require.NoError(c.t, c.conn.Notify(c.ctx, method, params), method)
}

// open opens a file that lies on disk, with its text or another.
func (c *client) open(name string, text ...string) string {
	c.t.Helper()
	if len(text) == 0 {
		saved, err := os.ReadFile(name)
		require.NoError(c.t, err)
		text = []string{string(saved)}
	}
	uri := "file://" + filepath.ToSlash(name)
	c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uri, "languageId": "json", "version": 1, "text": text[0]}})
	return uri
}

// change replaces the text of a document.
func (c *client) change(uri string, version int, text string) {
	c.t.Helper()
	c.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": uri, "version": version}, "contentChanges": []any{map[string]any{"text": text}}})
}

// diagnostics waits for those of a version of a document.
func (c *client) diagnostics(uri string, version int) published {
	c.t.Helper()
	return c.await(uri, func(p published) bool { return p.Version == version })
}

func (c *client) await(uri string, fit func(published) bool) published {
	c.t.Helper()
	late := time.After(20 * time.Second)
	for {
		c.mu.Lock()
		all, news := c.told[uri], c.news
		c.mu.Unlock()
		if n := len(all); n > 0 && fit(all[n-1]) {
			return all[n-1]
		}
		select {
		case <-news:
		case <-late:
			require.FailNow(c.t, "no diagnostics", "of %s; there were %v", uri, all)
		}
	}
}

// at is the place behind the first occurrence of a text in another.
func at(t *testing.T, text, before string) position {
	t.Helper()
	i := strings.Index(text, before)
	require.GreaterOrEqual(t, i, 0, before)
	text = text[:i+len(before)]
	return position{strings.Count(text, "\n"), len(text) - strings.LastIndexByte(text, '\n') - 1}
}

func place(uri string, p position) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": uri}, "position": p}
}

func document(uri string) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": uri}}
}

// write writes files below a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

const worldYAML = `accounts:
  "111122223333":
    name: acme
    users:
      bob: {}
    roles:
      payroll: {trust: trust.json}
    keys:
      payroll:
        policy: payroll.key.json
        aliases: [alias/payroll]
services:
  s3.amazonaws.com: {access-keys: {AKIASTORAGE: its-secret}}
`

const trustJSON = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`

const keyJSON = `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Administration",
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
      "Action": "kms:*",
      "Resource": "*"
    },
    {
      "Sid": "Use",
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::111122223333:role/payroll"},
      "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
      "Resource": "*",
      "Condition": {
        "StringEquals": {"kms:EncryptionContext:dept": "finance"},
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": "dept"}
      }
    }
  ]
}
`

const casesText = `# Payroll
allow role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=finance
deny  role/payroll kms:Decrypt key/payroll
allow user/bob kms:Decrypt key/payroll
`

// payroll is a world with a key, a policy and cases.
func payroll(t *testing.T) string {
	t.Helper()
	return write(t, map[string]string{"world.yaml": worldYAML, "trust.json": trustJSON, "payroll.key.json": keyJSON, "payroll.cases": casesText})
}
