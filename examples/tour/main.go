// Command tour shows keyreeve to a client of the AWS SDK for Go: each step is
// a call or two, and says what must come of it.
//
// It reads the AWS_… environment that `keyreeve serve --dev` prints, and the
// profile bob of AWS_CONFIG_FILE for a user who may do less. With the argument
// "keys" it only lists the keys of the account.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

func main() {
	take := run
	if len(os.Args) == 2 && os.Args[1] == "keys" {
		take = list
	}
	if err := take(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tour:", err)
		os.Exit(1)
	}
}

// A tour is what the steps share.
type tour struct {
	alice, bob client
	as         func(keys) client

	account    string // of alice and bob
	key        string // ARN of the key that the tour makes
	alias      string
	plaintext  []byte
	ciphertext []byte
	grant      string // id
}

// A step says what it shows, and fails when it is not so.
type step struct {
	shows string
	take  func(context.Context, *tour) error
}

func run(ctx context.Context, out io.Writer) error {
	t, err := newTour()
	if err != nil {
		return err
	}
	for i, s := range steps {
		if err := s.take(ctx, t); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, s.shows, err)
		}
		if _, err := fmt.Fprintf(out, "%2d  %s\n", i+1, s.shows); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(out, "the tour with the AWS SDK for Go is complete")
	return err
}

// list prints the ARN of each key.
func list(ctx context.Context, out io.Writer) error {
	t, err := newTour()
	if err != nil {
		return err
	}
	pages := kms.NewListKeysPaginator(t.alice, &kms.ListKeysInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, k := range page.Keys {
			if _, err := fmt.Fprintln(out, *k.KeyArn); err != nil {
				return err
			}
		}
	}
	return nil
}

var steps = []step{
	{"alice, an administrator, signs and is recognised", whoAmI},
	{"she creates a key", createKey},
	{"and gives it an alias", createAlias},
	{"she encrypts with an encryption context", encrypt},
	{"the same context decrypts, another does not", decrypt},
	{"a data key comes in plaintext and sealed", dataKey},
	{"bob may not decrypt, and is told why", refused},
	{"a grant lets bob decrypt, with its token at once", grantToBob},
	{"without the grant he may not again", revoke},
	{"bob encrypts a salary that he cannot read", encryptSalary},
	{"he assumes the role payroll, which can", assumePayroll},
	{"a dry run says what would happen, and does nothing", dryRun},
	{"a key policy that denies wins over all that allows", denyByKeyPolicy},
	{"a key that waits for its deletion does nothing", scheduleDeletion},
	{"the deletion is cancelled, and the key works again", cancelDeletion},
	{"the tour leaves a key that deletes itself in 7 days", leave},
}
