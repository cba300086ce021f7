package differential

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// tellsOfKey are the condition keys that a request has from the key.
var tellsOfKey = []string{
	"kms:customermasterkeyspec", "kms:customermasterkeyusage", "kms:keyorigin", "kms:keyspec", "kms:keyusage", "kms:multiregion",
	"kms:multiregionkeytype", "kms:reencryptonsamekey", "kms:resourcealiases", "aws:resourcetag/",
}

// checkLeak holds a refusal to A-20: what a caller of another account is told
// of it is the same as if the key did not exist.
func (o opponent) checkLeak(q *decision.Question, d decision.Decision) *disagreement {
	service := q.Principal.Type == decision.Service
	if d.Allowed || !service && q.Principal.Account == q.Resource.Account {
		return nil
	}
	without := *q
	without.KeyPolicy, without.Grants, without.Resource.AWSManaged = nil, nil, false
	without.Context = maps.Clone(q.Context)
	maps.DeleteFunc(without.Context, func(name string, _ []string) bool {
		for _, k := range tellsOfKey {
			if name == k || strings.HasSuffix(k, "/") && strings.HasPrefix(name, k) {
				return true
			}
		}
		return false
	})
	if q.Principal.OrgID == "" || q.Principal.OrgID != q.Resource.OrgID {
		without.RCP = nil
	}
	absent, err := o.Decide(context.Background(), without)
	if err != nil {
		return &disagreement{kind: "error", err: err}
	}
	if absent.Allowed {
		return &disagreement{kind: "leak", err: fmt.Errorf("allowed on a key that does not exist")}
	}
	told, err := json.Marshal(d.CallerView())
	if err != nil {
		return &disagreement{kind: "error", err: err}
	}
	expected, err := json.Marshal(absent.CallerView())
	if err != nil {
		return &disagreement{kind: "error", err: err}
	}
	if string(told) != string(expected) || d.Sentence() != absent.Sentence() {
		return &disagreement{kind: "leak", err: fmt.Errorf("told %s %s, without the key %s %s", d.Sentence(), told, absent.Sentence(), expected)}
	}
	return nil
}
