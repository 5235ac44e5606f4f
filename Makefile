# Hubbub's commands. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# dev builds fast, release runs fast.
PROFILE ?= dev
# Further arguments of `run` and `cluster`, such as ARGS='--listen 127.0.0.1:9000'.
ARGS ?=
# Many tests start real Redis and MongoDB servers; more of them at a time only makes each slower.
TEST_THREADS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$(( n < 4 ? n : 4 )))

.DELETE_ON_ERROR:

.PHONY: run
run: web-client-if-possible ## Build and run a standalone gateway with its web client on http://127.0.0.1:8080, data in ./data
	cargo run --profile $(PROFILE) -p hubbub-gateway --bin hubbub-gateway -- $(ARGS)

.PHONY: cluster
cluster: servers web-client-if-possible ## Run Redis, MongoDB, two gateways, a worker and nginx here; Ctrl-C stops all
	cargo build --profile $(PROFILE) -p hubbub-gateway -p hubbub-worker --bins
	exec tools/cluster --profile $(PROFILE) $(ARGS)

# Where `chat` connects.
SERVER ?= http://127.0.0.1:8080

.PHONY: chat
chat: ## Talk in the terminal, on SERVER (http://127.0.0.1:8080)
	@cargo run --quiet --profile $(PROFILE) -p hubbub-client --bin hubbub-chat -- --server $(SERVER) $(ARGS)

.PHONY: test
test: servers lint web ## Check everything: what continuous integration runs
	# Tests kill the real binaries, and find them beside their own executable.
	cargo build --workspace --all-features --bins
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --workspace --all-features
	tools/check-types
	tools/check-observability
	tools/conformance
	tools/together tools/proxy-tests tools/backup-drill
	tools/deploy-check
	tools/loadtest --size tiny
	$(BROWSER_TESTS)

.PHONY: conformance
conformance: servers ## Run Schemathesis against a live server and a live cluster
	cargo build --profile $(PROFILE) -p hubbub-gateway -p hubbub-worker --bins
	tools/conformance --profile $(PROFILE) $(ARGS)

.PHONY: proxy-tests
proxy-tests: servers ## Run nginx and HAProxy before gateways of a cluster
	cargo build -p hubbub-gateway -p hubbub-worker --bins
	tools/proxy-tests $(ARGS)

.PHONY: deploy-check
deploy-check: servers ## Check the Kubernetes manifests and the compose file: schemas, policies, numbers that agree
	cargo build -p hubbub-gateway -p hubbub-worker --bins
	tools/deploy-check $(ARGS)

.PHONY: lint
lint: ## Formatting, clippy, documentation, dependency licences and sources
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	@# The documentation is for those who work on Hubbub: private items are in it, and may be linked.
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' \
		cargo doc --quiet --workspace --all-features --no-deps --document-private-items
	@if cargo deny --version >/dev/null 2>&1; then \
		cargo deny --all-features check bans licenses sources; \
	else \
		echo 'lint: cargo-deny is not installed, deny.toml is not checked'; \
	fi

.PHONY: rolling
rolling: servers ## Restart, add and remove gateways under 3 000 connections, and measure
	cargo build --release -p hubbub-gateway -p hubbub-worker --bins
	HUBBUB_TEST_ROLLING_CONNECTIONS=3000 cargo test --release -p hubbub-testkit --features nodes \
		--test rolling -- --nocapture --include-ignored --test-threads 1

.PHONY: bench
bench: servers ## Measure what docs/PERFORMANCE.md reports (takes some minutes)
	tools/bench $(ARGS)

.PHONY: web
web: web/dist/index.html ## Check the web client: formatting, lints, types, tests, build, size
	@# A test that loops for ever can't be ended by its own time limit.
	cd web && npx --no-install biome check . && npx --no-install tsc --noEmit -p e2e && \
	timeout 300 npx --no-install vitest run && npm run --silent size

# One browser against a standalone gateway, and two people at two gateways of a cluster.
BROWSER_TESTS = cd web && HUBBUB_TEST_PROFILE=$(PROFILE) npx --no-install playwright test \
	--project=standalone --project=cluster --project=performance

.PHONY: browser
browser: servers web/dist/index.html ## Test the web client in Chromium, against a standalone server and a cluster
	cargo build --profile $(PROFILE) -p hubbub-gateway -p hubbub-worker --bins
	$(BROWSER_TESTS) $(ARGS)

.PHONY: screenshots
screenshots: servers web/dist/index.html ## Take the pictures of the running client anew, into docs/images
	cargo build --profile $(PROFILE) -p hubbub-gateway --bin hubbub-gateway
	cd web && HUBBUB_TEST_PROFILE=$(PROFILE) npx --no-install playwright test --project=screenshots

.PHONY: web-client
web-client: web/dist/index.html ## Build the web client into web/dist, from where the gateway takes it

# Whoever has no Node can still run the server; its page then says what is missing.
.PHONY: web-client-if-possible
web-client-if-possible:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory web-client; \
	else echo 'npm is not installed: the gateway will run without its web client'; fi

WEB_SOURCES := $(shell find web -maxdepth 1 -type f) \
	$(shell find web/src web/public web/tools -type f -not -path 'web/public/emoji/*' 2>/dev/null)

web/dist/index.html: $(WEB_SOURCES) web/node_modules/.package-lock.json
	cd web && npm run --silent build

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	touch $@

# How much load: tiny, small, or large (release binaries, two cores of their own).
SIZE ?= small

.PHONY: loadtest
loadtest: servers ## Put load on a cluster with k6: storms, steady talk, churn, a death, a soak
	cargo build --profile $(PROFILE) -p hubbub-gateway -p hubbub-worker --bins
	tools/loadtest --size $(SIZE) --profile $(PROFILE) $(ARGS)

.PHONY: backup-drill
backup-drill: servers ## Back up and restore, standalone and a cluster, and look what is there again
	cargo build --profile $(PROFILE) -p hubbub-gateway -p hubbub-worker -p hubbub-admin --bins
	tools/backup-drill --profile $(PROFILE) $(ARGS)

.PHONY: docs
docs: ## Write the generated documents anew: settings, schemas, OpenAPI, AsyncAPI, TypeScript
	HUBBUB_TEST_UPDATE=1 cargo test -p hubbub-gateway --test generated_documents
	cargo doc --workspace --all-features --no-deps --document-private-items

.PHONY: servers
servers: ## Install the servers that tests need, where they are missing
	@tools/install-test-servers

.PHONY: clean
clean: ## Remove what was built and the local cluster's data (not the installed servers)
	cargo clean
	rm -rf .cache/cluster web/dist web/node_modules web/public/emoji

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
