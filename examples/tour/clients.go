package main

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// keys are credentials; long-term ones have no token.
type keys struct{ id, secret, token string }

// A client signs with the keys of one principal.
type client struct {
	*kms.Client
	sts *sts.Client
}

func newTour() (*tour, error) {
	endpoint, region := os.Getenv("AWS_ENDPOINT_URL"), cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	alice := keys{os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")}
	if endpoint == "" || region == "" || alice.id == "" {
		return nil, errors.New("start `keyreeve serve --dev` and paste the lines that it prints: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and more")
	}
	bob, err := profile(os.Getenv("AWS_CONFIG_FILE"), "bob")
	if err != nil {
		return nil, err
	}
	trusting, err := httpClient(os.Getenv("AWS_CA_BUNDLE"))
	if err != nil {
		return nil, err
	}
	as := func(k keys) client {
		signer := credentials.NewStaticCredentialsProvider(k.id, k.secret, k.token)
		return client{
			kms.New(kms.Options{BaseEndpoint: &endpoint, Region: region, HTTPClient: trusting, Credentials: signer}),
			sts.New(sts.Options{BaseEndpoint: &endpoint, Region: region, HTTPClient: trusting, Credentials: signer}),
		}
	}
	return &tour{
		alice: as(alice), bob: as(bob), as: as,
		alias:     "alias/tour-" + strings.ToLower(rand.Text()[:8]),
		plaintext: []byte("the plaintext of the tour"),
	}, nil
}

// httpClient trusts the certificates in a file, as the AWS CLI does with
// AWS_CA_BUNDLE.
func httpClient(bundle string) (*http.Client, error) {
	if bundle == "" {
		return &http.Client{}, nil
	}
	text, err := os.ReadFile(bundle)
	if err != nil {
		return nil, fmt.Errorf("reading AWS_CA_BUNDLE: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("AWS_CA_BUNDLE: %s has no certificate", bundle)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	return &http.Client{Transport: transport}, nil
}

// profile reads the access key of one profile from an AWS configuration file.
func profile(path, name string) (keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return keys{}, fmt.Errorf("reading the profile %s from AWS_CONFIG_FILE: %w", name, err)
	}
	defer func() { _ = f.Close() }() // only read
	var k keys
	section := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			section = line
		}
		field, value, _ := strings.Cut(line, " = ")
		switch {
		case section != "[profile "+name+"]":
		case field == "aws_access_key_id":
			k.id = value
		case field == "aws_secret_access_key":
			k.secret = value
		}
	}
	if err := lines.Err(); err != nil {
		return k, fmt.Errorf("reading %s: %w", path, err)
	}
	if k.id == "" || k.secret == "" {
		return k, fmt.Errorf("%s has no access key for the profile %s", path, name)
	}
	return k, nil
}
