# What each target does: `make help`. The work is in scripts/, so that it can be run without make too.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export SQLX_OFFLINE ?= true

# Cargo tools, with the features that compile quickly.
NEXTEST_VERSION := 0.9.143
SQLX_VERSION := 0.9.0
DENY_VERSION := 0.18.9


.PHONY: help setup bench demo test test-static test-rust test-browser test-templates soak fuzz ci fmt fmt-check lint deny offline static nextest sqlx-cli cargo-deny

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r t d; do printf '  make %-13s %s\n' "$$t" "$$d"; done

setup: ## Install what is missing on this machine (PostgreSQL, Redis, bubblewrap, Chromium)
	scripts/setup

static: ## Build CSS and JavaScript into static/dist
	scripts/static

# exec: make must not stand between a signal and the script.
demo: ## Run Berth and a simulated Proxmox node (PORT=… DIR=… FRESH=1)
	@exec scripts/demo $(if $(PORT),--port $(PORT)) $(if $(DIR),--dir $(DIR)) $(if $(FRESH),--fresh)

test: test-static test-rust test-browser ## Run every test, in Rust, in Node and in the browser

test-static: static ## Run the tests of the JavaScript sources
	cd static && npm test --silent

test-rust: static nextest ## Run the Rust tests (ARGS=… goes to cargo nextest)
	scripts/setup compiler services sandbox
	scripts/with-services cargo nextest run --workspace $(ARGS)

# Not in ci: it needs root, a Debian mirror and about half an hour.
test-templates: ## Try each container template on real Debian 12 and 13 roots (as root; ARGS="--suite trixie redis")
	scripts/setup templates
	scripts/test-templates $(ARGS)

# One after the other: each has the machine for itself.
fuzz: nextest ## Try parsers and envelopes at random, each target for SECONDS=300
	FUZZ_SECONDS=$(or $(SECONDS),300) cargo nextest run -p berth-testkit --test fuzz --profile fuzz --no-capture $(ARGS)

test-browser: static ## Run the browser tests against a demo of their own (ARGS=… goes to Playwright)
	scripts/setup
	scripts/test-browser $(ARGS)

# Not in ci: it takes a quarter of an hour.
soak: static ## Follow a log of 1,000 lines/s for MINUTES=10, and see that nothing grows
	scripts/setup
	SOAK_MINUTES=$(or $(MINUTES),10) scripts/test-browser --config soak.config.ts

# The programs first: the benchmark runs what users run.
bench: static ## Measure how long pages take, in a release build (ARGS=vmid picks)
	scripts/setup compiler services sandbox
	cargo build --release --locked -p berth -p berth-simulator
	scripts/with-services cargo bench --locked -p berth --bench pages -- $(ARGS)

fmt: ## Format the Rust code
	cargo fmt --all

fmt-check:
	cargo fmt --all --check

lint: static ## Clippy and shellcheck, with warnings as errors
	cargo clippy --workspace --all-targets --locked -- -D warnings
	scripts/setup shell
	scripts/shellcheck

deny: cargo-deny ## Check licences, sources, duplicates and, when it can be reached, the advisory database
	scripts/deny

offline: sqlx-cli ## Check that .sqlx matches the queries
	scripts/setup services
	scripts/with-services scripts/sqlx-offline --check

prepare: sqlx-cli ## Write .sqlx anew after changing a query or a migration
	scripts/setup services
	scripts/with-services scripts/sqlx-offline

# The order is from quick to slow.
ci: ## What .ci/run runs: format, lint, deny, offline data, every test
	$(MAKE) --no-print-directory fmt-check
	$(MAKE) --no-print-directory deny
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory offline
	$(MAKE) --no-print-directory test

nextest:
	@cargo nextest --version >/dev/null 2>&1 || scripts/cargo-tool cargo-nextest $(NEXTEST_VERSION) --no-default-features --features default-no-update
sqlx-cli:
	@cargo sqlx --version >/dev/null 2>&1 || scripts/cargo-tool sqlx-cli $(SQLX_VERSION) --no-default-features --features postgres,rustls
cargo-deny:
	@cargo deny --version >/dev/null 2>&1 || scripts/cargo-tool cargo-deny $(DENY_VERSION) --no-default-features
.PHONY: prepare
