package main

import (
	"fmt"
	"os"

	"github.com/keyreeve/keyreeve/engine/throttle"
)

// Values of --request-quotas beside the name of a file.
const (
	quotasNone = "none"
	quotasAWS  = "aws"
)

// requestQuotas reads the quotas that serve keeps; nil: none.
func requestQuotas(name string) (throttle.Table, error) {
	switch name {
	case quotasNone:
		return nil, nil
	case quotasAWS:
		return throttle.AWS(), nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--request-quotas is none, aws or a file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	table, err := throttle.Read(file)
	if err != nil {
		return nil, fmt.Errorf("the request quotas of %s are wrong: %w", name, err)
	}
	return table, nil
}
