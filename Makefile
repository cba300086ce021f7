.PHONY: test ci fuzz bench tools

test: ## what README says
	go test ./...

ci: ## everything that must hold before a change lands
	.ci/run

bench: ## figures for the READMEs
	go test -run '^$$' -bench . -benchmem ./engine/decision ./rego/compile ./engine ./store ./crypto/...

tools: ## the pinned linters, into ./bin
	cd .ci/tools && go build -o ../../bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint github.com/open-policy-agent/regal
