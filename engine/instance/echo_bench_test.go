package instance_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/envelope"
	"github.com/keyreeve/keyreeve/crypto/material"
	"github.com/keyreeve/keyreeve/crypto/material/software"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/crypto/spec"
)

// BenchmarkEncryptAgainstEcho is Encrypt of 32 bytes with all on, as serve has
// it, against a bare handler that does the same cryptography. Both are sent the
// same bytes over kept connections, by a client that does next to nothing, and
// take turns. CPU time is that of the whole process, client and log included; it
// tells the ratio also where other processes take the machine's time.
func BenchmarkEncryptAgainstEcho(b *testing.B) {
	url, key := serving(b)
	request := signedEncrypt(b, url, key)
	bare := httptest.NewServer(bareEncrypt(b))
	b.Cleanup(bare.Close)
	for _, concurrency := range []int{1, 16} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			var took, cpu [2]time.Duration
			const turn = 500
			sides := [2][]*connection{dial(b, url, concurrency), dial(b, bare.URL, concurrency)}
			done := 0
			for b.Loop() {
				for side, connections := range sides {
					start, used := time.Now(), processTime(b)
					sendAll(b, connections, request, turn)
					took[side] += time.Since(start)
					cpu[side] += processTime(b) - used
				}
				done += turn
			}
			b.ReportMetric(float64(done)/took[0].Seconds(), "requests/s")
			b.ReportMetric(float64(done)/took[1].Seconds(), "bare/s")
			b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "ratio")
			b.ReportMetric(float64(cpu[0].Microseconds())/float64(done), "µs-CPU/request")
			b.ReportMetric(float64(cpu[1].Microseconds())/float64(done), "µs-CPU/bare")
			b.ReportMetric(cpu[1].Seconds()/cpu[0].Seconds(), "CPU-ratio")
		})
	}
}

// processTime is the CPU time that the process has taken.
func processTime(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// bareEncrypt reads the input, encrypts and writes the output, and nothing else.
func bareEncrypt(t testing.TB) http.Handler {
	t.Helper()
	root, err := seal.CreateRootKey(filepath.Join(t.TempDir(), "root.key"), rand.Reader)
	require.NoError(t, err)
	provider, err := software.New(software.Config{Root: root})
	require.NoError(t, err)
	ref, err := provider.Generate(t.Context(), "material", spec.SymmetricDefault)
	require.NoError(t, err)
	opened, err := provider.Open(t.Context(), ref)
	require.NoError(t, err)
	header := envelope.Header{Account: "111122223333", KeyID: uuid.NewString(), MaterialID: strings.Repeat("0", 64)}
	e := echo.New()
	e.POST("/", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		var in struct {
			KeyID             string `json:"KeyId"`
			Plaintext         []byte
			EncryptionContext map[string]string
		}
		if err := json.Unmarshal(body, &in); err != nil {
			return err
		}
		blob, err := envelope.Seal(c.Request().Context(), opened.(material.Cipher), header, in.EncryptionContext, in.Plaintext)
		if err != nil {
			return err
		}
		out, err := json.Marshal(map[string]any{"CiphertextBlob": blob, "KeyId": in.KeyID, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"})
		if err != nil {
			return err
		}
		return c.Blob(http.StatusOK, "application/x-amz-json-1.1", out)
	})
	return e
}

// signedEncrypt is a request as it goes over the wire.
func signedEncrypt(t testing.TB, url, key string) []byte {
	t.Helper()
	body := fmt.Appendf(nil, `{"KeyId":%q,"Plaintext":"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=","EncryptionContext":{"dept":"finance"}}`, key)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/", bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService.Encrypt")
	digest := sha256.Sum256(body)
	secret := aws.Credentials{AccessKeyID: "AKIAROOT", SecretAccessKey: "root-secret"}
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), secret, r, hex.EncodeToString(digest[:]), "kms", "us-east-1", time.Now()))
	var b bytes.Buffer
	require.NoError(t, r.Write(&b))
	return b.Bytes()
}

// A connection is kept from request to request.
type connection struct {
	net.Conn
	answers *bufio.Reader
}

func dial(t testing.TB, url string, n int) []*connection {
	t.Helper()
	all := make([]*connection, n)
	for i := range all {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, c.Close()) })
		all[i] = &connection{c, bufio.NewReader(c)}
	}
	return all
}

// sendAll sends request n times, over all connections at once.
func sendAll(t testing.TB, connections []*connection, request []byte, n int) {
	t.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	for _, c := range connections {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := c.send(request); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

var contentLength = []byte("Content-Length: ")

// send sends one request, and reads the answer without keeping anything of it.
func (c *connection) send(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	status, err := c.answers.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("answered %q", status)
	}
	length := 0
	for {
		line, err := c.answers.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == len("\r\n") {
			break
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	_, err = c.answers.Discard(length)
	return err
}
