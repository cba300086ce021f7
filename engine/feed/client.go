package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/keyreeve/keyreeve/store"
)

// ErrNobody says that no process gives out the events of a data directory.
var ErrNobody = errors.New("no process answers at the socket of the data directory")

// Ask calls f with the events behind a place that the process gives out which
// has the data directory open. Errors: ErrNobody, before f was called.
func Ask(ctx context.Context, dir string, after store.Seq, f func(Record) error) error {
	path, release, err := reach(dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNobody, err)
	}
	defer func() { _ = release() }() // it was only a way
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial}}
	defer client.CloseIdleConnections()
	asked := false
	for {
		last, err := ask(ctx, client, after, f)
		var dialing *net.OpError
		if !asked && errors.As(err, &dialing) && dialing.Op == "dial" {
			return fmt.Errorf("%w: %w", ErrNobody, err)
		}
		if err != nil || last == after {
			return err
		}
		after, asked = last, true
	}
}

// ask reads a page, and returns the place behind it.
func ask(ctx context.Context, client *http.Client, after store.Seq, f func(Record) error) (store.Seq, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://keyreeve/events?after=%d", after), nil)
	if err != nil {
		return after, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return after, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1024)) // only for the sentence
		return after, fmt.Errorf("the process that has the data directory open answers %s: %s", answer.Status, text)
	}
	lines := json.NewDecoder(answer.Body)
	for {
		var r Record
		switch err := lines.Decode(&r); {
		case errors.Is(err, io.EOF):
			return after, nil
		case err != nil:
			return after, fmt.Errorf("reading events: %w", err)
		}
		if err := f(r); err != nil {
			return after, err
		}
		after = r.Seq
	}
}
