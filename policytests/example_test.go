package policytests_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// payroll is a world in one file, with its cases.
const payroll = `-- world.yaml --
accounts:
  "111122223333":
    users: {eve: {}, bob: {policies: {use: use.json}}}
    keys: {payroll: {}}
-- use.json --
{"Version": "2012-10-17", "Statement": [
  {"Sid": "Use", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
   "Condition": {"StringEquals": {"kms:EncryptionContext:dept": "finance"}}}]}
-- payroll.cases --
# The payroll key
allow user/bob kms:Decrypt key/payroll kms:EncryptionContext:dept=finance because Use
allow user/bob kms:Decrypt key/payroll
only [user/bob, root] may kms:Decrypt key/payroll
allow user/bob kms:Decrypt key/payrol
`

// write puts the world into a file.
func write() (file string, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	file = filepath.Join(dir, "payroll.txtar")
	if err := os.WriteFile(file, []byte(payroll), 0o600); err != nil {
		panic(err)
	}
	return file, func() { _ = os.RemoveAll(dir) } // a temporary directory
}

func ExampleRun() {
	file, remove := write()
	defer remove()
	report, err := policytests.Run(context.Background(), []string{file}, policytests.Options{Coverage: true})
	var problems policytests.Problems
	if err != nil && !errors.As(err, &problems) {
		panic(err) // there is no report
	}
	for _, r := range report.Results {
		fmt.Println(r.Line, r.Failure == nil, r.Text)
		if r.Failure != nil {
			fmt.Println("  wanted", r.Failure.Wanted)
			fmt.Println("  got   ", r.Failure.Got)
			fmt.Println("  near  ", policytests.Near(*r.Failure.Evidence.Nearest))
		}
	}
	for _, p := range problems {
		fmt.Println(p.Line, p.Message)
	}
	fmt.Println(report.Coverage.Summary())
	// Output:
	// 12 true allow user/bob kms:Decrypt key/payroll kms:EncryptionContext:dept=finance because Use
	// 13 false allow user/bob kms:Decrypt key/payroll
	//   wanted allow
	//   got    deny because no-allow identity
	//   near   use Use $.Statement[0] (line 2), but for StringEquals kms:EncryptionContext:dept: wanted finance, was absent
	// 14 true only [user/bob, root] may kms:Decrypt key/payroll
	// 15 there is no key/payrol in this world; did you mean key/payroll?
	// coverage: 1 of 1 statements and grants were the reason of a decision (100.0 %)
}

// An Asker answers questions about a world that is open, such as those that
// somebody types.
func ExampleAsker() {
	file, remove := write()
	defer remove()
	w, err := world.Load(file, nil)
	if err != nil {
		panic(err)
	}
	engine, err := decision.New(decision.Config{})
	if err != nil {
		panic(err)
	}
	asker, err := policytests.NewAsker(policytests.Config{World: w, Engine: engine, Now: policytests.DefaultTime})
	if err != nil {
		panic(err)
	}
	var now caseline.Standing
	for _, line := range []string{"given grant nightly on key/payroll to user/eve for Decrypt", "given kms:EncryptionContext:dept=hr"} {
		if _, err := now.Set(line); err != nil {
			panic(err)
		}
	}
	room, err := asker.With(now.Given, ".")
	if err != nil {
		panic(err)
	}
	for _, line := range []string{"user/eve kms:Decrypt key/payroll", "user/bob kms:Decrypt key/payroll"} {
		request, err := now.ParseRequest(line)
		if err != nil {
			panic(err)
		}
		d, err := room.Ask(context.Background(), request, ".")
		if err != nil {
			panic(err) // neither yes nor no
		}
		fmt.Println(d.Allowed, d.Reason, d.Layer, request)
	}
	// Output:
	// true allow grant user/eve kms:Decrypt key/payroll kms:EncryptionContext:dept=hr
	// false no-allow identity user/bob kms:Decrypt key/payroll kms:EncryptionContext:dept=hr
}
