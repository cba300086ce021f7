package decision

import (
	"slices"
	"strings"
)

var (
	rcpLayer, _      = layerIndex(LayerRCP)
	resourceLayer, _ = layerIndex(LayerResource)
)

// foreign tells whether the resource's side is another account's, so that its
// caller may not see it. A service has no account.
func (q *Question) foreign() bool {
	return q.Principal.Type == Service || q.Principal.Account != q.Resource.Account
}

// compatriots tells whether caller and resource are of one organization.
func (q *Question) compatriots() bool {
	return q.Principal.OrgID != "" && q.Principal.OrgID == q.Resource.OrgID
}

// hide marks what a caller may not see.
func (a *account) hide() {
	a.caller = true
	a.hidden[resourceLayer] = a.question.foreign()
	a.hidden[rcpLayer] = a.question.foreign() && !a.question.compatriots()
}

// aboutKey are the condition keys that tell of the resource itself, rather than of
// its account or of the request. A name that ends in a slash stands for all that
// start with it.
var aboutKey = []string{
	"aws:resourcetag/",
	"kms:customermasterkeyspec",
	"kms:customermasterkeyusage",
	"kms:keyorigin",
	"kms:keyspec",
	"kms:keyusage",
	"kms:multiregion",
	"kms:multiregionkeytype",
	"kms:reencryptonsamekey",
	"kms:resourcealiases",
}

func tellsOfKey(name string) bool {
	return slices.ContainsFunc(aboutKey, func(k string) bool {
		return name == k || strings.HasSuffix(k, "/") && strings.HasPrefix(name, k)
	})
}

// unseen is the question as it would be if the resource did not exist. What a
// caller of another account is told of a refusal is the answer to this one,
// so that it is the same whatever the resource's account holds.
func (q *Question) unseen() *Question {
	u := *q
	u.KeyPolicy, u.Grants = nil, nil
	u.Resource.AWSManaged = false
	if !q.compatriots() {
		u.RCP = nil
	}
	u.Context = make(map[string][]string, len(q.Context))
	for name, values := range q.Context {
		if !tellsOfKey(name) {
			u.Context[name] = values
		}
	}
	return &u
}
