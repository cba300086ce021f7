// Package throttle counts requests against quotas: so many of a group in each
// interval, for an account in a Region.
package throttle

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Quota lets Requests through in each interval of Seconds.
type Quota struct {
	Requests int
	Seconds  int
	Regions  []string // "*" stands for all
}

// A Table has the quotas of groups; the first of a group that is for a Region
// holds there. A group without one has no limit.
type Table map[string][]Quota

//go:embed aws.tsv
var awsTSV string

// AWS is the table of the service's own numbers. Guide, "Quotas".
func AWS() Table {
	t, err := Read(strings.NewReader(awsTSV))
	if err != nil {
		panic("throttle: " + err.Error()) // the table is a constant
	}
	return t
}

// Bounds of a quota.
const (
	maxRequests = 10_000_000
	maxSeconds  = 3600
)

// Read reads a table: one quota a line, of four fields that tabs or spaces
// separate. Lines that begin with # are comments.
//
//	group  requests  seconds  Regions, with commas between them, or *
func Read(r io.Reader) (Table, error) {
	t := Table{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		q, err := quota(fields)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		t[fields[0]] = append(t[fields[0]], q)
	}
	return t, lines.Err()
}

func quota(fields []string) (Quota, error) {
	if len(fields) != 4 {
		return Quota{}, fmt.Errorf("a quota has 4 fields (group, requests, seconds, Regions), not %d", len(fields))
	}
	if !slices.Contains(groups, fields[0]) {
		return Quota{}, fmt.Errorf("%q is no group of requests; groups are operations, and %s", fields[0], strings.Join(shared, ", "))
	}
	q := Quota{Regions: strings.Split(fields[3], ",")}
	var err error
	if q.Requests, err = strconv.Atoi(fields[1]); err != nil || q.Requests < 0 || q.Requests > maxRequests {
		return Quota{}, fmt.Errorf("the number of requests is from 0 to %d, not %q", maxRequests, fields[1])
	}
	if q.Seconds, err = strconv.Atoi(fields[2]); err != nil || q.Seconds < 1 || q.Seconds > maxSeconds {
		return Quota{}, fmt.Errorf("the seconds are from 1 to %d, not %q", maxSeconds, fields[2])
	}
	return q, nil
}

// of is the quota of a group in a Region.
func (t Table) of(group, region string) (Quota, bool) {
	for _, q := range t[group] {
		if slices.Contains(q.Regions, "*") || slices.Contains(q.Regions, region) {
			return q, true
		}
	}
	return Quota{}, false
}

// A Limiter counts requests. Safe for concurrent use.
type Limiter struct {
	table Table

	mu      sync.Mutex
	buckets map[key]*bucket
}

// A key says what a bucket is for.
type key struct{ account, region, group string }

// A bucket is full at the beginning of each interval.
type bucket struct {
	interval int64 // since 1970
	left     int
}

// New makes a Limiter.
func New(t Table) *Limiter { return &Limiter{table: t, buckets: map[key]*bucket{}} }

// Take takes n requests out of a bucket, and tells whether they were in it.
// What is not is not taken. A request that read the clock before another one
// takes from the bucket of the other.
func (l *Limiter) Take(account, region, group string, n int, now time.Time) bool {
	q, limited := l.table.of(group, region)
	if !limited {
		return true
	}
	interval := now.Unix() / int64(q.Seconds)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key{account, region, group}]
	if b == nil {
		b = &bucket{}
		l.buckets[key{account, region, group}] = b
	}
	switch {
	case interval > b.interval:
		*b = bucket{interval: interval, left: q.Requests}
	case interval < b.interval-1: // the clock was set back, which fills nothing
		b.interval = interval
	}
	if b.left < n {
		return false
	}
	b.left -= n
	return true
}
