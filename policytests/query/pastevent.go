package query

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// pastEvent are the permission checks of a call that an event tells of.
func (b *Base) pastEvent(e *event) ([]past, error) {
	if e.EventType == "AwsServiceEvent" || e.UserIdentity.InvokedBy == "AWS Internal" {
		return nil, errors.New("the service did this by itself; nobody asked")
	}
	checks, err := checksOf(e)
	if err != nil {
		return nil, err
	}
	base, unknown, err := b.caller(e)
	if err != nil {
		return nil, err
	}
	limited := b.network(e, &base, &unknown)
	var all []past
	for _, c := range checks {
		action, known := policy.ActionNamed(c.action)
		if !known {
			return nil, fmt.Errorf("there is no action %s", c.action)
		}
		p := past{request: base, then: thenOf(e, c), unknown: unknown, limited: limited}
		p.request.Actions = []caseline.Word{{Text: action.Name}}
		if c.resource != "" {
			p.request.Resources = []caseline.Word{{Text: c.resource}}
		} else if len(action.Resources) == 0 && e.AWSRegion != "" {
			p.request.Region = caseline.Word{Text: e.AWSRegion}
		}
		parameters(e, &action, &p.request)
		if action.Name == "kms:RetireGrant" {
			g := b.grantWithID(e.AdditionalEventData.GrantID)
			if g == nil {
				return nil, errors.New("the grant is not in this world")
			}
			p.request.Grants = []caseline.Word{{Text: g.Name}}
		}
		all = append(all, p)
	}
	return all, nil
}

func (b *Base) grantWithID(id string) *world.Grant {
	for _, k := range b.cfg.World.Keys() {
		if i := slices.IndexFunc(k.Grants, func(g *world.Grant) bool { return g.ID == id }); i >= 0 {
			return k.Grants[i]
		}
	}
	return nil
}

// A check is one permission that a call asked for.
type check struct {
	action   string
	resource string // as case lines have it; empty: none
}

// checksOf lists the checks of a call.
func checksOf(e *event) ([]check, error) {
	var keys, aliases []string
	for _, r := range e.Resources {
		switch {
		case strings.Contains(r.ARN, ":alias/"):
			aliases = append(aliases, r.ARN)
		case strings.Contains(r.ARN, ":key/"):
			keys = append(keys, r.ARN)
		}
	}
	service, _, _ := strings.Cut(e.EventSource, ".")
	name := service + ":" + e.EventName
	if e.EventName == "AssumeRole" {
		return []check{{name, e.text("roleArn")}}, nil
	}
	key := func(i int, parameter string) string { return e.key(keys, i, parameter) }
	switch e.EventName {
	case "ReEncrypt":
		return []check{{"kms:ReEncryptFrom", key(0, "sourceKeyId")}, {"kms:ReEncryptTo", key(len(keys)-1, "destinationKeyId")}}, nil
	case "CreateAlias", "DeleteAlias", "UpdateAlias":
		checks := []check{{name, e.text("aliasName")}}
		if len(aliases) > 0 {
			checks[0].resource = aliases[0]
		}
		for _, k := range keys {
			checks = append(checks, check{name, k})
		}
		return checks, nil
	case "CreateKey":
		checks := []check{{name, ""}}
		if list, _ := e.RequestParameters["tags"].([]any); len(list) > 0 {
			checks = append(checks, check{"kms:TagResource", "*"})
		}
		return checks, nil
	}
	action, known := policy.ActionNamed(name)
	switch {
	case !known:
		return nil, fmt.Errorf("%s of %s is no operation that is decided here", e.EventName, e.EventSource)
	case !action.On(policy.KeyResource):
		return []check{{action.Name, ""}}, nil
	}
	resource := key(0, "keyId")
	if named := e.text("keyId"); strings.Contains(named, "alias/") && contains(action.ConditionKeys, "kms:RequestAlias") {
		resource = aliasName(named)
	}
	if resource == "" {
		return nil, errors.New("it does not say which key was asked for")
	}
	return []check{{action.Name, resource}}, nil
}

// aliasName is an alias as case lines have it, of its name or ARN.
func aliasName(text string) string {
	_, name, _ := strings.Cut(text, "alias/")
	if account := identity.AccountOf(text); account != "" {
		name += "@" + account
	}
	return "alias/" + name
}

// key is the ARN of a key that an event names: among its resources, or as a
// parameter.
func (e *event) key(keys []string, i int, parameter string) string {
	if i >= 0 && i < len(keys) {
		return keys[i]
	}
	id := e.text(parameter)
	if id == "" || strings.HasPrefix(id, "arn:") || strings.Contains(id, "/") {
		return id
	}
	return "key/" + id
}

func (e *event) text(parameter string) string {
	text, _ := e.RequestParameters[parameter].(string)
	return text
}

// caller is who asked, as a request without action.
func (b *Base) caller(e *event) (r caseline.Request, unknown []string, err error) {
	id := e.UserIdentity
	r.At = e.EventTime
	name := id.ARN
	switch {
	case id.Type == "AWSService":
		service, known := b.cfg.World.ServiceNamed(id.InvokedBy)
		if !known {
			return r, nil, fmt.Errorf("this world lists no service %s", id.InvokedBy)
		}
		name = "service/" + service.Principal
		unknown = append(unknown, "for which source the service called (aws:SourceArn, aws:SourceAccount)")
	case name == "":
		role, session, _ := strings.Cut(id.PrincipalID, ":")
		p, known := b.cfg.World.PrincipalByID(role)
		if !known {
			return r, nil, errors.New("it is the key owner's copy, which does not say who called; take the record of the caller's account")
		}
		name = b.nameOf(p)
		if session != "" {
			r.Session.Given, r.Session.Name = true, caseline.Word{Text: session}
		}
	}
	if web := b.webIdentity(name); web != "" {
		name = web
	}
	r.Principals = []caseline.Word{{Text: name}}
	if id.Type == "AssumedRole" {
		unknown = append(unknown, "tags and session policies that the session came with, if any")
	}
	s := id.SessionContext
	if s == nil {
		return r, unknown, nil
	}
	if s.SourceIdentity != "" {
		r.Session.Given, r.Session.SourceIdentity = true, caseline.Word{Text: s.SourceIdentity}
	}
	if id.Type == "IAMUser" || id.Type == "Root" {
		r.Session.Given, r.Session.MFA = true, caseline.MFA{Given: true}
		if s.Attributes.MFAAuthenticated == "true" {
			r.Session.MFA.Present, r.Session.MFA.Age = true, max(0, e.EventTime.Sub(s.Attributes.CreationDate).Truncate(time.Second))
		}
	}
	return r, unknown, nil
}

// webIdentity is the session of an identity provider with an ARN; empty if the
// world lists none.
func (b *Base) webIdentity(arn string) string {
	for _, a := range b.cfg.World.Accounts() {
		for _, i := range a.Identities {
			if i.ARN == arn {
				return "web/" + i.Name + "@" + a.ID
			}
		}
	}
	return ""
}

// network says by which way a request came, and whether a policy that is not
// known took part.
func (b *Base) network(e *event, r *caseline.Request, unknown *[]string) (limited bool) {
	if invoked := e.UserIdentity.InvokedBy; invoked != "" && e.UserIdentity.Type != "AWSService" {
		if s, known := b.cfg.World.ServiceNamed(invoked); known {
			r.Services = []caseline.Word{{Text: s.Principal}}
		} else {
			*unknown = append(*unknown, "how the call came: this world lists no service "+invoked)
		}
		return false
	}
	address := "aws:SourceIp"
	if e.VPCEndpointID != "" {
		if _, known := b.cfg.World.Endpoint(e.VPCEndpointID); known {
			r.Endpoint, address = caseline.Word{Text: e.VPCEndpointID}, "aws:VpcSourceIp"
		} else {
			*unknown = append(*unknown, "what the policy of the VPC endpoint "+e.VPCEndpointID+" says: it is not in this world")
			limited = true
		}
	}
	if _, err := netip.ParseAddr(e.SourceIPAddress); err == nil && e.UserIdentity.Type != "AWSService" {
		set(r, caseline.Pair{Key: address, Values: []string{e.SourceIPAddress}})
	}
	if e.UserAgent != "" {
		set(r, caseline.Pair{Key: "aws:UserAgent", Values: []string{e.UserAgent}})
	}
	return limited
}

// parameterKeys are the condition keys of parameters as events name them.
var parameterKeys = map[string]string{
	"encryptionAlgorithm": "kms:EncryptionAlgorithm", "signingAlgorithm": "kms:SigningAlgorithm", "messageType": "kms:MessageType",
	"macAlgorithm": "kms:MacAlgorithm", "keyAgreementAlgorithm": "kms:KeyAgreementAlgorithm", "keyPairSpec": "kms:DataKeyPairSpec",
	"wrappingAlgorithm": "kms:WrappingAlgorithm", "wrappingKeySpec": "kms:WrappingKeySpec", "expirationModel": "kms:ExpirationModel",
	"pendingWindowInDays": "kms:ScheduleKeyDeletionPendingWindowInDays", "rotationPeriodInDays": "kms:RotationPeriodInDays",
	"replicaRegion": "kms:ReplicaRegion", "primaryRegion": "kms:PrimaryRegion", "granteePrincipal": "kms:GranteePrincipal",
	"retiringPrincipal": "kms:RetiringPrincipal", "operations": "kms:GrantOperations", "tagKeys": "aws:TagKeys",
}

// createParameters are those of a key that a call creates.
var createParameters = map[string]string{
	"keySpec": "kms:KeySpec", "keyUsage": "kms:KeyUsage", "origin": "kms:KeyOrigin", "multiRegion": "kms:MultiRegion",
}

// parameters are the condition keys that the parameters of a call give.
func parameters(e *event, a *policy.Action, r *caseline.Request) {
	give := func(key string, value any) {
		if texts := textsOf(value); len(texts) > 0 && contains(a.ConditionKeys, key) {
			set(r, caseline.Pair{Key: key, Values: texts, List: len(texts) > 1})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.RequestParameters)) {
		value := e.RequestParameters[name]
		give(parameterKeys[name], value)
		if e.EventName == "CreateKey" {
			give(createParameters[name], value)
		}
	}
	if e.RequestParameters["bypassPolicyLockoutSafetyCheck"] == true {
		give("kms:BypassPolicyLockoutSafetyCheck", true)
	}
	side := map[string]string{"kms:ReEncryptFrom": "source", "kms:ReEncryptTo": "destination"}[a.Name]
	context, algorithm := "encryptionContext", ""
	if side != "" {
		context, algorithm = side+"EncryptionContext", side+"EncryptionAlgorithm"
	}
	give("kms:EncryptionAlgorithm", e.RequestParameters[algorithm])
	pairsOf(e.RequestParameters[context], "kms:EncryptionContext:", r)
	if constraints, ok := e.RequestParameters["constraints"].(map[string]any); ok {
		for _, name := range slices.Sorted(maps.Keys(constraints)) {
			kind := "E" + strings.TrimPrefix(name, "e")
			give("kms:GrantConstraintType", kind)
			pairsOf(constraints[name], "kms:EncryptionContext:", r)
		}
	}
	tags, _ := e.RequestParameters["tags"].([]any)
	for _, t := range tags {
		if tag, ok := t.(map[string]any); ok && contains(a.ConditionKeys, "aws:RequestTag/") {
			if name, value := textsOf(tag["tagKey"]), textsOf(tag["tagValue"]); len(name)+len(value) == 2 {
				set(r, caseline.Pair{Key: "aws:RequestTag/" + name[0], Values: value})
			}
		}
	}
}

func pairsOf(value any, prefix string, r *caseline.Request) {
	all, _ := value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if texts := textsOf(all[name]); len(texts) == 1 {
			set(r, caseline.Pair{Key: prefix + name, Values: texts})
		}
	}
}

// textsOf are the values of a parameter; none if it is not set.
func textsOf(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case bool:
		return []string{strconv.FormatBool(v)}
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, textsOf(item)...)
		}
		return all
	}
	return nil
}

// afterPermission are the errors that only those see who had permission
//
var afterPermission = []string{"DryRunOperationException", "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException",
	"InvalidCiphertextException", "IncorrectKeyException", "KMSInvalidSignatureException", "KMSInvalidMacException", "KeyUnavailableException"}

// thenOf is what an event says of the decision about one check.
func thenOf(e *event, c check) Then {
	yes, no := true, false
	switch {
	case e.ErrorCode == "":
		return Then{Allowed: &yes}
	case strings.HasPrefix(e.ErrorCode, "AccessDenied"):
		t := Then{Sentence: e.ErrorMessage}
		about := !strings.Contains(e.ErrorMessage, "perform: ") || strings.Contains(e.ErrorMessage, "perform: "+c.action+" ")
		if about {
			t.Allowed = &no
		}
		return t
	case slices.ContainsFunc(afterPermission, func(code string) bool { return strings.HasPrefix(e.ErrorCode, strings.TrimSuffix(code, "Exception")) }):
		return Then{Allowed: &yes, Sentence: e.ErrorCode + ": " + e.ErrorMessage}
	}
	return Then{Sentence: e.ErrorCode + ": " + e.ErrorMessage}
}
