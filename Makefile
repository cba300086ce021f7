.PHONY: test ci differential bench tools

test: ## what README says
	go test ./...

ci: ## everything that must hold before a change lands
	.ci/run

differential: N ?= 1000000
differential: SEED ?= 1
differential: FIRST ?= 0
differential: ## the engine against the oracle: N generated pairs of a world and a request, from SEED and world FIRST on
	go test ./policytests/differential -run 'TestOracleAndEngineAgree' -count 1 -timeout 0 -v -pairs $(N) -seed $(SEED) -first $(FIRST)

bench: ## figures for the READMEs
	go test -run '^$$' -bench . -benchmem ./engine/decision ./rego/compile ./engine ./store ./crypto/...

tools: ## the pinned linters, into ./bin
	cd .ci/tools && go build -o ../../bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint github.com/open-policy-agent/regal
