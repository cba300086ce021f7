// Command gen writes the Go types of the wire model, and the model itself without its prose.
//
//	go run ./gen                    types from model.json, in the directory engine/wire
//	go run ./gen -strip FILE.json   model.json from a botocore service model
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	model := flag.String("model", "model.json", "the model without prose")
	out := flag.String("out", ".", "directory for the Go files")
	source := flag.String("strip", "", "botocore model to make the model file from, instead of writing Go")
	flag.Parse()
	if err := run(*model, *out, *source); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(model, out, source string) error {
	if source != "" {
		return convert(source, model)
	}
	text, err := os.ReadFile(model)
	if err != nil {
		return err
	}
	files, err := generate(text)
	if err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(out, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func convert(source, model string) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	table, err := strip(text)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	return os.WriteFile(model, table, 0o644)
}
