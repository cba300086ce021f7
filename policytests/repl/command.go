package repl

import (
	"context"
	"slices"
	"strings"
)

// A command is one word that begins a line.
type command struct {
	name     string
	also     []string // other names
	usage    string   // what follows the name
	short    string   // in a few words
	long     string   // what help adds
	examples []string
	json     bool // a policy may follow, over several lines
	run      func(context.Context, *Session, string) (Answer, error)
}

// groups are the commands in the order of help.
func groups() []struct {
	title    string
	commands []command
} {
	return []struct {
		title    string
		commands []command
	}{
		{"Ask", askCommands()},
		{"Set the scene", sceneCommands()},
		{"Change the world, in this session only", changeCommands()},
		{"Judge the changes", judgeCommands()},
		{"Look", lookCommands()},
		{"Keep, and leave", keepCommands()},
	}
}

func askCommands() []command {
	return []command{
		{
			name: "can", usage: "[PRINCIPAL] [ACTION] [RESOURCE] [CLAUSE…]", short: "may it?", run: can,
			long: "A request is written as in case lines. What it leaves out, the scene has: as, do, on, via, at, in and set. " +
				"Lists ask about each combination.\nClauses are KEY=VALUE, !KEY (the request lacks it), session NAME, " +
				"with policy FILE, with tag NAME=VALUE, with mfa SECONDS, via endpoint ID, via service NAME, at TIME, in REGION, grant NAME.",
			examples: []string{
				"can role/payroll kms:Decrypt key/payroll",
				"can role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=finance",
				"can [user/alice, user/bob] [kms:Encrypt, kms:Decrypt] key/payroll",
				"can kms:Decrypt via service s3.amazonaws.com",
				"can",
			},
		},
		{
			name: "why", also: []string{"explain"}, usage: "[REQUEST]", short: "what each layer says, and what settles it", run: why,
			long:     "Statements are told with file and line; for a denial also the statement that came nearest, and the condition that failed.",
			examples: []string{"why role/payroll kms:Decrypt key/payroll", "why"},
		},
		{
			name: "why-not", usage: "[REQUEST]", short: "the smallest change that would allow it", run: whyNot,
			long:     "Changes are of the request or of a policy; each was tried in the engine.",
			examples: []string{"why-not user/bob kms:Decrypt key/payroll", "why-not"},
		},
		{
			name: "who-can", usage: "[ACTION] [RESOURCE]", short: "who may, and when", run: whoCan,
			long:     "All principals of the world and those it does not name are asked about, with the conditions under which they may.",
			examples: []string{"who-can kms:Decrypt key/payroll", "who-can kms:*Grant key/payroll", "who-can"},
		},
		{
			name: "what-can", usage: "[PRINCIPAL] [RESOURCE]", short: "what somebody may do, and when", run: whatCan,
			examples: []string{"what-can role/payroll", "what-can role/payroll key/payroll", "what-can"},
		},
	}
}

func sceneCommands() []command {
	return []command{
		{
			name: "as", usage: "PRINCIPAL [session NAME] [with …]", short: "who asks", run: as,
			long: "with policy FILE gives the session a session policy (make one with: policy NAME.json { … }), with tag NAME=VALUE a tag, " +
				"with source-identity NAME, with mfa SECONDS or with mfa none. as - forgets.",
			examples: []string{"as role/payroll", "as role/payroll session nightly with tag team=finance", "as user/bob@acme with mfa 30", "as -"},
		},
		{name: "do", usage: "ACTION", short: "what is asked for", run: do, examples: []string{"do kms:Decrypt", "do [kms:Encrypt, kms:Decrypt]", "do -"}},
		{
			name: "on", usage: "KEY | LAYER…", short: "which key, or switch a layer on again", run: on,
			examples: []string{"on key/payroll", "on alias/payroll", "on -", "on scp"},
		},
		{
			name: "via", usage: "endpoint ID | service NAME", short: "through which endpoint or services", run: clause("via", "via endpoint vpce-…, via service s3.amazonaws.com", func(s *scene) *string { return &s.via }),
			examples: []string{"via endpoint vpce-0123456789abcdef0", "via service s3.amazonaws.com", "via service [lambda.amazonaws.com, s3.amazonaws.com]", "via -"},
		},
		{
			name: "at", usage: "TIME | now", short: "when", run: clause("at", "at 2026-11-23T09:30Z, at now", func(s *scene) *string { return &s.at }),
			long:     "Requests that name no time come at noon of 2026-01-15 (UTC), so that an answer is the same every day.",
			examples: []string{"at 2026-11-23", "at 2026-11-23T09:30Z", "at now", "at -"},
		},
		{name: "in", usage: "REGION", short: "in which Region", run: clause("in", "in eu-west-1", func(s *scene) *string { return &s.in }), examples: []string{"in eu-west-1", "in -"}},
		{
			name: "set", usage: "KEY=VALUE… | !KEY…", short: "condition keys that requests hold, or lack", run: setKeys,
			long:     "Those that requests for an action never hold are left out of them.",
			examples: []string{"set aws:SourceIp=10.1.2.3", "set kms:EncryptionContext:dept=finance !aws:UserAgent", "set"},
		},
		{name: "unset", usage: "KEY… | *", short: "take condition keys out of the scene", run: unset, examples: []string{"unset aws:SourceIp", "unset *"}},
	}
}

func changeCommands() []command {
	return []command{
		{
			name: "grant", usage: "PRINCIPAL OPERATIONS [on KEY] [name NAME] [retiree PRINCIPAL] [equals|subset NAME=VALUE…]", short: "add a grant", run: addGrant,
			examples: []string{
				"grant role/nightly Decrypt on key/payroll",
				"grant nightly on key/payroll to role/nightly for Decrypt",
				"grant role/nightly [Decrypt, DescribeKey] on key/payroll subset dept=finance name nightly",
			},
		},
		{name: "revoke", usage: "NAME [on KEY]", short: "take a grant away", run: revoke, examples: []string{"revoke nightly on key/payroll"}},
		{
			name: "policy", usage: "PLACE { … } | PLACE < FILE | PLACE none | PLACE", short: "replace a policy, or print it", run: putPolicy, json: true,
			long: "A place is key/NAME, role/NAME trust, role/NAME POLICY, user/NAME POLICY, group/NAME POLICY, managed/NAME, endpoint/ID, " +
				"scp/NAME, rcp/NAME (on UNIT, to attach a new one), or a file of the world. The JSON may go over several lines, as pasted.",
			examples: []string{
				"policy key/payroll < new.key.json",
				`policy role/payroll use {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]}`,
				"policy key/payroll none",
				`policy scp/no-deletion on ou-ab12-engineer {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:ScheduleKeyDeletion", "Resource": "*"}]}`,
			},
		},
		{name: "edit", usage: "PLACE", short: "change a policy in your editor", run: edit, long: "The editor is $VISUAL, or $EDITOR.", examples: []string{"edit key/payroll"}},
		{
			name: "off", usage: "LAYER…", short: "leave a layer out", run: switchOff,
			long: "Layers are scp, rcp, endpoint, boundary, session, identity and grant. The world is then as though nothing were attached in them. " +
				"on LAYER switches one on again.",
			examples: []string{"off scp", "off scp rcp", "on scp"},
		},
		{
			name: "given", usage: "FACT | nothing", short: "tags, aliases, services and endpoints besides", run: given,
			long: "Facts are those of case files: grant NAME on KEY to PRINCIPAL for OPERATIONS, tag NAME=VALUE on KEY or PRINCIPAL, alias NAME on KEY, " +
				"policy FILE on KEY, endpoint ID in REGION, service NAME may ACTIONS. They are no part of the world's files; save test writes them above the case.",
			examples: []string{"given tag team=blue on key/payroll", "given alias alias/pay on key/payroll", "given service s3.amazonaws.com may kms:Decrypt", "given nothing"},
		},
		{name: "undo", short: "take back the last change, of scene or world", run: undo, examples: []string{"undo"}},
		{name: "reset", short: "take back everything", run: reset, examples: []string{"reset"}},
	}
}

func lookCommands() []command {
	return []command{
		{
			name: "show", usage: "[TOPIC]", short: "what there is", run: show,
			long: "Topics: " + strings.Join(topics, ", ") + ".",
			examples: []string{
				"show", "show principals", "show keys", "show policies", "show condition-keys kms:Decrypt", "show policy key/payroll", "show rego key/payroll",
			},
		},
	}
}

func judgeCommands() []command {
	return []command{
		{
			name: "diff", usage: "[KEY]", short: "what the changes let happen, and what they end", run: diff,
			long:     "Each difference comes with a request that shows it; what is not told is proved to be as before.",
			examples: []string{"diff", "diff key/payroll"},
		},
		{
			name: "lint", usage: "[new]", short: "what is wrong with the policies", run: lintWorld,
			long:     "lint new tells only what the changes of this session brought. keyreeve lint --explain RULE tells all about a rule.",
			examples: []string{"lint", "lint new"},
		},
	}
}

func keepCommands() []command {
	return []command{
		{
			name: "save", usage: "test NAME [REQUEST] | world PATH", short: "keep a request as a test, or the changed world", run: save,
			long:     "A test is a case line with the answer of now, appended to NAME.cases of the world. Without a REQUEST it is what was asked last, or the scene. A world is written as a new directory or .txtar file.",
			examples: []string{"save test payroll", "save test payroll role/payroll kms:Decrypt key/payroll", "save world ../tried"},
		},
		{
			name: ":rego", usage: "[EXPRESSION]", short: "OPA's own REPL on the compiled policies", run: rego,
			long:     "The scene's request is the input. Without an expression OPA's REPL opens, on a terminal; exit comes back.",
			examples: []string{":rego", ":rego data.keyreeve.answer.decision", ":rego data.keyreeve.answer.question.policies"},
		},
		{name: "help", also: []string{"?"}, usage: "[COMMAND]", short: "this, or all about a command", run: help, examples: []string{"help", "help can"}},
		{name: "quit", also: []string{"exit"}, short: "leave (also Ctrl-D)", run: quit, examples: []string{"quit"}},
	}
}

func commands() []command {
	var all []command
	for _, g := range groups() {
		all = append(all, g.commands...)
	}
	return all
}

func commandNamed(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name || slices.Contains(c.also, name) {
			return c, true
		}
	}
	return command{}, false
}

func commandNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(append(names, c.name), c.also...)
	}
	return names
}

func quit(context.Context, *Session, string) (Answer, error) { return Answer{Quit: true}, nil }

// A Help is what help answers.
type Help struct {
	Command  string   `json:"command"`
	Usage    string   `json:"usage"`
	Short    string   `json:"short"`
	Examples []string `json:"examples"`
}

func help(_ context.Context, s *Session, rest string) (Answer, error) {
	if rest == "" {
		return s.overview(), nil
	}
	name, _ := cutWord(rest)
	c, known := commandNamed(name)
	if !known {
		return Answer{}, s.unknown(name)
	}
	lines := []string{s.strong(strings.TrimSpace(c.name + " " + c.usage)), c.short}
	if len(c.also) > 0 {
		lines[1] += "; also written " + strings.Join(c.also, ", ")
	}
	if c.long != "" {
		lines = append(lines, "", s.cfg.Style.Wrap(c.long, ""))
	}
	lines = append(lines, "", s.faint("for example"))
	for _, e := range c.examples {
		lines = append(lines, "  "+e)
	}
	return Answer{Text: strings.Join(lines, "\n"), Value: []Help{helpOf(c)}}, nil
}

func helpOf(c command) Help {
	return Help{Command: c.name, Usage: strings.TrimSpace(c.name + " " + c.usage), Short: c.short, Examples: c.examples}
}

func (s *Session) overview() Answer {
	var lines []string
	var value []Help
	for _, g := range groups() {
		lines = append(lines, s.strong(g.title))
		rows := [][]string{}
		for _, c := range g.commands {
			rows = append(rows, []string{"  " + c.name, c.short, c.examples[0]})
			value = append(value, helpOf(c))
		}
		lines = append(lines, s.table(nil, rows), "")
	}
	lines = append(lines, s.cfg.Style.Wrap("help COMMAND tells all about one. A line that ends inside { … } or [ … ] goes on; # begins a comment.", ""))
	return Answer{Text: strings.Join(lines, "\n"), Value: value}
}
