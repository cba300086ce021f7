package tlsprobe

import (
	"crypto/hmac"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
)

// closeNotify is the content of the alert that ends a connection.
var closeNotify = []byte{1, 0}

// A handshake is that of RFC 8446 section 2, as a client that has no
// certificate and resumes nothing.
type handshake struct {
	config     Config
	records    *records
	transcript []byte
	session    []byte
	finishes   map[Group]finish
	schedule   *schedule

	report         Report
	requestContext []byte // of the server's CertificateRequest
}

func shake(conn net.Conn, c Config) (Report, error) {
	h := &handshake{
		config:  c,
		records: &records{conn: conn},
		report:  Report{ServerName: c.ServerName, Version: tls.VersionTLS13},
	}
	for _, step := range []func() error{h.sendHello, h.readHello, h.readFlight, h.finish} {
		if err := step(); err != nil {
			return Report{}, err
		}
	}
	return h.report, nil
}

func (h *handshake) sendHello() error {
	random := make([]byte, 64)
	if _, err := io.ReadFull(h.config.Rand, random); err != nil {
		return fmt.Errorf("reading randomness: %w", err)
	}
	h.session = random[32:]
	h.finishes = make(map[Group]finish, len(h.config.Groups))
	shares := make([][]byte, len(h.config.Groups))
	for i, g := range h.config.Groups {
		var err error
		if shares[i], h.finishes[g], err = g.start(h.config.Rand); err != nil {
			return err
		}
	}
	raw, err := clientHello{
		random: random[:32], session: h.session, serverName: h.config.ServerName,
		suites: h.config.CipherSuites, groups: h.config.Groups, shares: shares,
	}.marshal()
	if err != nil {
		return fmt.Errorf("writing the hello: %w", err)
	}
	h.send(raw)
	return h.records.flush()
}

// readHello reads the server's choice and computes the keys of the handshake.
func (h *handshake) readHello() error {
	m, err := h.receive(kindServerHello)
	if err != nil {
		return err
	}
	hello, err := parseServerHello(m.body)
	if err != nil {
		return err
	}
	if err := h.checkHello(hello); err != nil {
		return err
	}
	h.report.Group, h.report.CipherSuite = hello.group, hello.suite
	shared, err := h.finishes[hello.group](hello.share)
	if err != nil {
		return fmt.Errorf("server's %w", err)
	}
	if h.schedule, err = newSchedule(suites[hello.suite], shared, h.transcript); err != nil {
		return fmt.Errorf("computing keys: %w", err)
	}
	in, err := h.schedule.protection(h.schedule.server)
	if err != nil {
		return fmt.Errorf("computing keys: %w", err)
	}
	return h.records.protect(in)
}

// checkHello refuses a choice that we did not offer.
func (h *handshake) checkHello(hello serverHello) error {
	_, known := suites[hello.suite]
	switch {
	case hello.version != tls.VersionTLS13:
		return fmt.Errorf("server chose %s, which was not offered", hello.version)
	case !known || !slices.Contains(h.config.CipherSuites, hello.suite):
		return fmt.Errorf("server chose %s, which was not offered", hello.suite)
	case !slices.Equal(hello.session, h.session):
		return errors.New("server does not repeat our session id")
	case hello.retry:
		return errors.New("server asks for another hello, although it has a key share of every group offered")
	case h.finishes[hello.group] == nil:
		return fmt.Errorf("server chose %s, which was not offered", hello.group)
	default:
		return nil
	}
}

// readFlight reads what the server sends under its handshake keys, and verifies
// its signature and its Finished.
func (h *handshake) readFlight() error {
	m, err := h.receive(kindEncryptedExtensions)
	if err != nil {
		return err
	}
	if err := parseEncryptedExtensions(m.body); err != nil {
		return err
	}
	m, err = h.receive(kindCertificate, kindCertificateRequest)
	if err != nil {
		return err
	}
	if m.kind == kindCertificateRequest {
		h.report.ClientCertificateRequested = true
		if h.requestContext, err = parseCertificateRequest(m.body); err != nil {
			return err
		}
		if m, err = h.receive(kindCertificate); err != nil {
			return err
		}
	}
	der, err := parseCertificate(m.body)
	if err != nil {
		return err
	}
	if err := h.readSignature(der); err != nil {
		return err
	}
	return h.readFinished()
}

func (h *handshake) readSignature(der []byte) error {
	sum := h.schedule.suite.sum(h.transcript)
	m, err := h.receive(kindCertificateVerify)
	if err != nil {
		return err
	}
	scheme, signature, err := parseCertificateVerify(m.body)
	if err != nil {
		return err
	}
	h.report.Signature = scheme
	h.report.Certificate, err = verifyCertificate(der, scheme, sum, signature)
	return err
}

func (h *handshake) readFinished() error {
	want, err := h.schedule.finished(h.schedule.server, h.transcript)
	if err != nil {
		return fmt.Errorf("computing the server's Finished: %w", err)
	}
	m, err := h.receive(kindFinished)
	if err != nil {
		return err
	}
	if !hmac.Equal(want, m.body) {
		return errors.New("server's Finished does not verify")
	}
	return nil
}

// finish completes the handshake for the server's sake, and ends the
// connection.
func (h *handshake) finish() error {
	application, err := h.schedule.application(h.transcript)
	if err != nil {
		return fmt.Errorf("computing keys: %w", err)
	}
	h.records.write(recordChangeCipherSpec, []byte{1}) // RFC 8446 section D.4
	if h.records.out, err = h.schedule.protection(h.schedule.client); err != nil {
		return fmt.Errorf("computing keys: %w", err)
	}
	if h.report.ClientCertificateRequested {
		raw, err := certificateMessage(h.requestContext)
		if err != nil {
			return fmt.Errorf("writing an empty certificate: %w", err)
		}
		h.send(raw)
	}
	verifyData, err := h.schedule.finished(h.schedule.client, h.transcript)
	if err != nil {
		return fmt.Errorf("computing our Finished: %w", err)
	}
	raw, err := finishedMessage(verifyData)
	if err != nil {
		return fmt.Errorf("writing our Finished: %w", err)
	}
	h.send(raw)
	if h.records.out, err = h.schedule.protection(application); err != nil {
		return fmt.Errorf("computing keys: %w", err)
	}
	h.records.write(recordAlert, closeNotify)
	return h.records.flush()
}

// send writes a message and enters it into the transcript.
func (h *handshake) send(raw []byte) {
	h.transcript = append(h.transcript, raw...)
	h.records.write(recordHandshake, raw)
}

// receive reads the next message, which must be of one of the kinds, and enters
// it into the transcript.
func (h *handshake) receive(kinds ...byte) (message, error) {
	m, err := h.records.message()
	if err != nil {
		return message{}, err
	}
	if !slices.Contains(kinds, m.kind) {
		return message{}, fmt.Errorf("server sends handshake message %d, want one of %v", m.kind, kinds)
	}
	h.transcript = append(h.transcript, m.raw...)
	return m, nil
}
