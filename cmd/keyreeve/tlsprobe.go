package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/crypto/tlsprobe"
)

func newTLSProbe() *cobra.Command {
	var asJSON bool
	var config tlsprobe.Config
	c := &cobra.Command{
		Use:   "tls-probe HOST:PORT",
		Short: "Tell which key exchange groups and TLS versions an endpoint negotiates",
		Long: `tls-probe makes TLS handshakes with an endpoint, on circl's KEMs and not on those
of crypto/tls, and reports what was negotiated: first with every group offered,
then with each alone, then with older TLS versions.

It validates no certificate: it asks what is negotiated, not with whom.
Exit code 1: the endpoint negotiates none of the hybrid post-quantum groups.`,
		Example: `  keyreeve tls-probe localhost:8443
  keyreeve tls-probe --json kms.example.com:443`,
		Args: probedEndpoint,
		RunE: func(c *cobra.Command, args []string) error {
			survey, err := tlsprobe.ProbeAll(c.Context(), args[0], config)
			if err != nil {
				return cannot(err)
			}
			if !speaksTLS(survey) {
				return cannot(fmt.Errorf("%s does not speak TLS", args[0]))
			}
			if err := printSurvey(c.OutOrStdout(), survey, asJSON); err != nil {
				return cannot(err)
			}
			if !hybrid(survey) {
				return &exitError{exitFindings, fmt.Errorf("%s negotiates no hybrid post-quantum group", args[0])}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVar(&config.ServerName, "server-name", "", "name to send as SNI (default: the host)")
	c.Flags().DurationVar(&config.Timeout, "timeout", 10*time.Second, "for one connection")
	return c
}

// probedEndpoint wants HOST:PORT as the one argument.
func probedEndpoint(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("tls-probe needs HOST:PORT; see %s --help", c.CommandPath())
	}
	if !isHostPort(args[0]) {
		return fmt.Errorf("the endpoint is HOST:PORT, as in kms.example.com:443, not %q; see %s --help", args[0], c.CommandPath())
	}
	return nil
}

// speaksTLS tells whether any offer was answered, if only with an alert. A
// timeout is no proof of anything else.
func speaksTLS(s tlsprobe.Survey) bool {
	return slices.ContainsFunc(results(s), func(r tlsprobe.Result) bool {
		return r.Err == nil || r.Refused() || errors.Is(r.Err, context.DeadlineExceeded)
	})
}

func results(s tlsprobe.Survey) []tlsprobe.Result {
	return append([]tlsprobe.Result{s.Preferred}, append(s.Groups, s.Versions...)...)
}

func hybrid(s tlsprobe.Survey) bool {
	for _, r := range s.Groups {
		if r.Err == nil && r.Report.Group.PostQuantum() {
			return true
		}
	}
	return false
}

func printSurvey(out io.Writer, s tlsprobe.Survey, asJSON bool) error {
	all := results(s)
	if asJSON {
		return printJSON(out, s.Address, all)
	}
	for _, r := range all {
		if _, err := fmt.Fprintln(out, r); err != nil {
			return err
		}
	}
	return nil
}

// probeResult is one result as JSON.
type probeResult struct {
	Offer   string           `json:"offer"`
	Outcome string           `json:"outcome"` // negotiated, refused, failed
	Report  *tlsprobe.Report `json:"report,omitempty"`
	Cause   string           `json:"cause,omitempty"`
}

func printJSON(out io.Writer, address string, results []tlsprobe.Result) error {
	list := make([]probeResult, 0, len(results))
	for _, r := range results {
		p := probeResult{Offer: r.Offer, Outcome: "negotiated"}
		switch {
		case r.Err == nil:
			p.Report = &r.Report
		case errors.Is(r.Err, tlsprobe.ErrRefused):
			p.Outcome, p.Cause = "refused", r.Err.Error()
		default:
			p.Outcome, p.Cause = "failed", r.Err.Error()
		}
		list = append(list, p)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{"address": address, "results": list})
}
