package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/testtool"
)

// A systemCall is one that strace saw, whole.
type systemCall struct {
	name, args string
	begin, end int // lines of the trace
}

var (
	wholeCall    = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += (\S+)`)
	begunCall    = regexp.MustCompile(`^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$`)
	resumedCall  = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (\S+)`)
	sharedOfFile = regexp.MustCompile(`MAP_SHARED, \d+<([^>]*)>`)
)

// systemCalls reads a trace. What failed is left out.
func systemCalls(trace string) []systemCall {
	var all []systemCall
	begun := map[string]systemCall{} // by thread
	for n, line := range strings.Split(trace, "\n") {
		if m := begunCall.FindStringSubmatch(line); m != nil {
			begun[m[1]] = systemCall{name: m[2], args: m[3], begin: n}
			continue
		}
		call := systemCall{begin: n, end: n}
		var result string
		if m := wholeCall.FindStringSubmatch(line); m != nil {
			call.name, call.args, result = m[2], m[3], m[4]
		} else if m := resumedCall.FindStringSubmatch(line); m != nil {
			call = begun[m[1]]
			call.end, result = n, m[4]
			call.args += m[3]
		} else {
			continue
		}
		if call.name == "mmap" {
			call.args += " = " + result
		}
		if !strings.HasPrefix(result, "-") {
			all = append(all, call)
		}
	}
	return all
}

// syncsRecords finds the calls that returned only when records were on disk:
// fsync of one of the store's files, or msync of one that is mapped.
func syncsRecords(calls []systemCall) []systemCall {
	mapped := map[string]string{} // address to file
	var found []systemCall
	for _, c := range calls {
		address, _, _ := strings.Cut(c.args, ",")
		switch c.name {
		case "mmap":
			if file := sharedOfFile.FindStringSubmatch(c.args); file != nil {
				mapped[c.args[strings.LastIndex(c.args, " ")+1:]] = file[1]
			}
		case "msync":
			if strings.Contains(c.args, "MS_SYNC") && strings.HasSuffix(mapped[address], ".mem") {
				found = append(found, c)
			}
		case "fsync", "fdatasync":
			if strings.Contains(c.args, "/store/") && !strings.Contains(c.args, "/store/events") {
				found = append(found, c)
			}
		}
	}
	return found
}

// exchange finds the request of an operation and the answer to it.
func exchange(t *testing.T, calls []systemCall, operation string) (received, answered int) {
	t.Helper()
	for _, c := range calls {
		switch {
		case received == 0 && c.name == "read" && strings.Contains(c.args, "X-Amz-Target: TrentService."+operation+`\r\n`):
			received = c.end
		case received > 0 && c.name == "write" && strings.Contains(c.args, `"HTTP/1.1 200 OK`):
			return received, c.begin
		}
	}
	require.FailNow(t, "the trace has no "+operation+" with its answer")
	return 0, 0
}

func TestChangeIsOnDiskBeforeItIsAnswered(t *testing.T) {
	testtool.Need(t, "strace")
	dir := t.TempDir()
	file := filepath.Join(dir, "trace")
	p := ready(t, dir, "strace", "-D", "-f", "-y", "-s", "1024", "-o", file, "-e", "trace=read,write,mmap,msync,fsync,fdatasync",
		"keyreeve", "serve", "--dev", "--listen", "127.0.0.1:0")
	client := p.kms("alice")
	made, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{})
	require.NoError(t, err)
	_, err = client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: made.KeyMetadata.KeyId})
	require.NoError(t, err)
	_, err = client.ListKeys(t.Context(), &kms.ListKeysInput{})
	require.NoError(t, err)
	require.Zero(t, p.terminate(), "%s", p.Err)

	last := regexp.MustCompile(fmt.Sprintf(`(?m)^%d +\+\+\+ exited with 0`, p.cmd.Process.Pid))
	var trace []byte
	require.Eventually(t, func() bool { // strace outlives what it traces
		trace, err = os.ReadFile(file)
		return err == nil && last.Match(trace)
	}, patience, patience/1000)
	calls := systemCalls(string(trace))
	between := func(operation string) (synced int) {
		received, answered := exchange(t, calls, operation)
		for _, c := range syncsRecords(calls) {
			if c.begin > received && c.end < answered {
				synced++
			}
		}
		return synced
	}
	assert.Positive(t, between("CreateKey"))
	assert.Positive(t, between("DisableKey"))
	assert.Zero(t, between("ListKeys"), "what changes nothing waits for no disk, so the above is not by chance")
}
