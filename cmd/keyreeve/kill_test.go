package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/store"
)

const (
	killRounds  = 24
	killWorkers = 4
	// mostAnswers is after how many answers of a round the server is killed at the latest.
	mostAnswers = 120
)

// A load is what concurrent clients did to a server that gets killed, and what
// they may rely on. The workers write it in turn with the checks.
type load struct {
	workers  []*worker
	requests map[string]string // id of each answered request, to its operation
	doubtful int               // CreateKey calls without an answer
	known    map[string]bool   // ARNs of all keys that were found or acknowledged
	seen     store.Seq         // the last event that was read

	mu sync.Mutex // guards requests, doubtful and known while workers run
}

// TestKilledServerKeepsWhatItAcknowledged kills the server while clients
// change keys, and starts it again. Each change that was answered must be
// there; one that was not, there as a whole or not at all.
func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	dir := t.TempDir()
	l := &load{requests: map[string]string{}, known: map[string]bool{}}
	for n := range killWorkers {
		l.workers = append(l.workers, &worker{load: l, name: fmt.Sprintf("worker-%d", n)})
	}
	answered := 0
	for round := range uint64(killRounds) {
		p := serve(t, dir, "--dev")
		l.verify(t, p)
		answered += l.run(t, p, rand.New(rand.NewPCG(round, 1)))
		l.inspect(t, filepath.Join(dir, "keyreeve-data"))
		if t.Failed() {
			return
		}
	}
	last := serve(t, dir, "--dev")
	for _, w := range l.workers {
		w.touched = w.keys
	}
	l.verify(t, last)
	assert.Zero(t, last.terminate())
	t.Logf("%d rounds, %d requests answered, %d keys", killRounds, answered, len(l.known))
	assert.Greater(t, answered, killRounds*mostAnswers/4, "the server was under load")
}

// run lets the workers work, kills the server in the middle, and returns how
// many requests were answered.
func (l *load) run(t *testing.T, p *process, random *rand.Rand) int {
	t.Helper()
	enough := 1 + random.Int64N(mostAnswers)
	var answers atomic.Int64
	var work sync.WaitGroup
	for _, w := range l.workers {
		client := kms.New(p.kms("alice").Options(), once, func(o *kms.Options) { o.HTTPClient = notes{l, p.http()} })
		random := rand.New(rand.NewPCG(random.Uint64(), 2))
		work.Go(func() {
			for w.step(t, client, random) {
				if answers.Add(1) == enough {
					_ = p.cmd.Process.Kill() // in the middle of what the others do
				}
			}
		})
	}
	work.Wait()
	p.kill()
	return int(answers.Load())
}

// verify compares what the server has with what its clients may rely on.
func (l *load) verify(t *testing.T, p *process) {
	t.Helper()
	client := p.kms("alice")
	for _, w := range l.workers {
		for _, k := range w.touched {
			got := read(t, client, k.arn)
			if k.doubt == nil || !assert.ObjectsAreEqual(*k.doubt, got) {
				assert.Equal(t, k.sure, got, "%s, doubtful: %+v", k.arn, k.doubt)
			}
			k.sure, k.doubt = got, nil
			k.opens(t, client)
		}
		w.touched = nil
	}
	found := 0
	for arn := range listed(t, client) {
		found++
		if l.known[arn] {
			continue
		}
		l.known[arn] = true
		l.doubtful--
		(&held{arn: arn, sure: read(t, client, arn)}).works(t, client)
	}
	assert.Len(t, l.known, found, "a key is gone")
	// The key of the example world is found at the first start.
	assert.GreaterOrEqual(t, l.doubtful, -1, "more keys than were asked for")
	l.doubtful = max(l.doubtful, 0)
}

// inspect opens the store that a killed server left behind: no record may
// contradict another, and each answered request must have its events.
func (l *load) inspect(t *testing.T, data string) {
	t.Helper()
	root, err := seal.LoadRootKey(filepath.Join(data, "root.key"))
	require.NoError(t, err)
	s, err := store.Open(store.Config{Dir: filepath.Join(data, "store"), Root: root})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.Check())
	for {
		const page = 1000
		events, err := s.Events(l.seen, page)
		require.NoError(t, err)
		for _, e := range events {
			l.seen = e.Seq
			l.account(t, s, e.Data)
		}
		if len(events) < page {
			break
		}
	}
	for id, name := range l.requests {
		assert.Fail(t, "no event for an answered request", "%s %s", name, id)
	}
}

// account crosses off a request that has its event, and looks whether a key
// that was made according to the events is there: both are one change.
func (l *load) account(t *testing.T, s *store.Store, text []byte) {
	t.Helper()
	var event struct {
		RequestID, EventName, ErrorCode string
		ResponseElements                struct {
			KeyMetadata struct{ AWSAccountId, KeyId string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &event))
	delete(l.requests, event.RequestID)
	made := event.ResponseElements.KeyMetadata
	if event.EventName != "CreateKey" || event.ErrorCode != "" {
		return
	}
	require.NoError(t, s.View(func(tx *store.Tx) error {
		_, err := tx.Key(store.KeyAddr{Account: made.AWSAccountId, Region: "us-east-1", ID: made.KeyId})
		return err
	}), "an event tells of a key that is not there")
}

// A worker is a client that changes keys of its own.
type worker struct {
	load    *load
	name    string
	made    int     // numbers what it makes
	keys    []*held // all of its keys
	touched []*held // those that it used since the last check
}

// step carries out one call and notes what came of it. It is false when the
// server does not answer any more.
func (w *worker) step(t *testing.T, client *kms.Client, random *rand.Rand) bool {
	w.made++
	if len(w.keys) == 0 || random.IntN(8) == 0 {
		return w.create(t, client)
	}
	k := w.keys[len(w.keys)-1-random.IntN(min(3, len(w.keys)))]
	c := changes[random.IntN(len(changes))]
	if k.sure.State != "Enabled" {
		c = change{"enabling", enable}
	}
	after := k.sure.clone()
	label := fmt.Sprintf("%s-%d", w.name, w.made)
	w.touched = append(w.touched, k)
	if err := c.call(client, k, &after, label); err != nil {
		k.doubt = &after
		lost(t, c.name, err)
		return false
	}
	k.sure = after
	return true
}

func (w *worker) create(t *testing.T, client *kms.Client) bool {
	description := fmt.Sprintf("%s-%d", w.name, w.made)
	out, err := client.CreateKey(context.Background(), &kms.CreateKeyInput{Description: &description})
	w.load.mu.Lock()
	defer w.load.mu.Unlock()
	if err != nil {
		w.load.doubtful++
		lost(t, "CreateKey", err)
		return false
	}
	arn := *out.KeyMetadata.Arn
	w.load.known[arn] = true
	k := &held{arn: arn, sure: facts{Description: description, State: "Enabled", Policy: "Enable IAM User Permissions", Tags: map[string]string{}}}
	w.keys, w.touched = append(w.keys, k), append(w.touched, k)
	return true
}

// notes is an HTTP client that notes the requests that were answered.
type notes struct {
	load *load
	*http.Client
}

// Do implements the HTTP client of the SDK.
func (n notes) Do(r *http.Request) (*http.Response, error) {
	answer, err := n.Client.Do(r)
	if err == nil {
		n.load.mu.Lock()
		defer n.load.mu.Unlock()
		n.load.requests[answer.Header.Get("X-Amzn-Requestid")] = r.Header.Get("X-Amz-Target")
	}
	return answer, err
}

// lost checks that a call failed because the server was killed, and not
// because it refused.
func lost(t *testing.T, name string, err error) {
	var refused smithy.APIError
	if errors.As(err, &refused) {
		assert.Fail(t, "the server refused", "%s: %v", name, err)
	}
}
