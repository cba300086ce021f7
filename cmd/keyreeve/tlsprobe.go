package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			survey, err := tlsprobe.ProbeAll(c.Context(), args[0], config)
			if err != nil {
				return cannot(err)
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

func hybrid(s tlsprobe.Survey) bool {
	for _, r := range s.Groups {
		if r.Err == nil && r.Report.Group.PostQuantum() {
			return true
		}
	}
	return false
}

func printSurvey(out io.Writer, s tlsprobe.Survey, asJSON bool) error {
	results := append([]tlsprobe.Result{s.Preferred}, append(s.Groups, s.Versions...)...)
	if asJSON {
		return printJSON(out, s.Address, results)
	}
	for _, r := range results {
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
