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
	"github.com/keyreeve/keyreeve/store/eventlog"
)

// ErrNobody says that no process gives out the events of a data directory.
var ErrNobody = errors.New("no process answers at the socket of the data directory")

// Ask calls f with the events behind a place that the process gives out which
// has the data directory open. f may take its time: no page is under way while
// it is called. Ask answers the place behind the last event that f took, from
// which the events may be read elsewhere after ErrNobody: the process that gave
// them out has ended, if there was one.
func Ask(ctx context.Context, dir string, after store.Seq, f func(Record) error) (store.Seq, error) {
	path, release, err := reach(dir)
	if err != nil {
		return after, fmt.Errorf("%w: %w", ErrNobody, err)
	}
	defer func() { _ = release() }() // it was only a way
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial}}
	defer client.CloseIdleConnections()
	for {
		records, err := ask(ctx, client, after)
		var dialing *net.OpError
		if errors.As(err, &dialing) && dialing.Op == "dial" && ctx.Err() == nil {
			return after, fmt.Errorf("%w: %w", ErrNobody, err)
		}
		if err != nil || len(records) == 0 {
			return after, err
		}
		for _, r := range records {
			if err := f(r); err != nil {
				return after, err
			}
			after = r.Seq
		}
	}
}

// maxAnswer bounds a page as it is sent, in bytes: JSON writes some characters
// as six.
const maxAnswer = 6 * (pageBytes + eventlog.MaxEvent) * 2

// ask reads a page.
func ask(ctx context.Context, client *http.Client, after store.Seq) ([]Record, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://keyreeve/events?after=%d", after), nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1024)) // only for the sentence
		return nil, fmt.Errorf("the process that has the data directory open answers %s: %s", answer.Status, text)
	}
	lines := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer))
	var records []Record
	for {
		var r Record
		switch err := lines.Decode(&r); {
		case errors.Is(err, io.EOF):
			return records, nil
		case err != nil:
			return nil, fmt.Errorf("reading events: %w", err)
		}
		records = append(records, r)
	}
}
