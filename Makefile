# `make test` is what continuous integration runs. It stops at the first failing target.

CARGO ?= cargo
DENY_VERSION := 0.20.2
# Where `deny` installs its tool, once.
TOOLS ?= $(HOME)/.cache/stagedoor-tools
export PATH := $(TOOLS)/bin:$(PATH)

.PHONY: test fmt clippy deny doc schema types rust-test fuzz stock api-contract openapi deploy-files proxies tour diagrams
.PHONY: typescript pages typescript-packages advisories metrics loadtest figures

test: fmt clippy deny doc schema types rust-test fuzz stock api-contract openapi deploy-files proxies tour diagrams \
	typescript pages metrics

fmt:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings

deny:
	command -v cargo-deny >/dev/null || $(CARGO) install --locked --root $(TOOLS) cargo-deny@$(DENY_VERSION)
	$(CARGO) deny --locked check bans licenses sources

# Not part of `test`: it fetches the RustSec database from GitHub, which continuous integration cannot reach.
advisories:
	command -v cargo-deny >/dev/null || $(CARGO) install --locked --root $(TOOLS) cargo-deny@$(DENY_VERSION)
	$(CARGO) deny --locked check advisories

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --all-features --no-deps --locked

# Checks that the generated schema and types are up to date. The test says how to renew them.
schema:
	$(CARGO) test --package stagedoor-proto --all-features --locked --test schema_is_fresh

rust-test:
	$(CARGO) test --workspace --all-features --locked

# Seconds of each fuzz target; for longer, `make fuzz FUZZ_SECONDS=600`. With STAGEDOOR_FUZZ_KEEP=1 new inputs are added
# to fuzz/corpus.
FUZZ_SECONDS ?= 10

fuzz:
	STAGEDOOR_FUZZ_SECONDS=$(FUZZ_SECONDS) $(CARGO) test --workspace --all-features --locked --lib fuzz_

# The program, from the libraries that `rust-test` has built: another selection of packages would build them again.
PROGRAM := $(CARGO) build --workspace --all-features --bin stagedoor --locked
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

# Compiles good and bad samples of messages against the generated TypeScript types.
types: $(TARGET)/types/ready
	node tests/types/check.mjs $(TARGET)/types

$(TARGET)/types/ready: tests/types/package.json tests/types/package-lock.json
	mkdir -p $(@D)
	cp $^ $(@D)
	npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	touch $@

# Runs the program against an independent WebSocket client.
stock: $(TARGET)/stock-venv/ready
	$(PROGRAM)
	$(TARGET)/stock-venv/bin/python tests/stock/stock.py $(TARGET)/debug/stagedoor

# Checks the server API against its OpenAPI document.
api-contract: $(TARGET)/contract-venv/ready
	$(PROGRAM)
	$(TARGET)/contract-venv/bin/python tests/contract/contract.py $(TARGET)/debug/stagedoor

# Runs linters and client generators on that document, and the generated clients against the program.
openapi: $(TARGET)/openapi-venv/ready $(TARGET)/openapi-node/ready
	$(PROGRAM)
	$(TARGET)/openapi-venv/bin/python tests/openapi/openapi.py $(TARGET)/debug/stagedoor $(TARGET)/openapi-node

# Checks the compose file against its schema, and the mounted configuration against the program.
deploy-files: $(TARGET)/deploy-venv/ready
	$(PROGRAM)
	$(TARGET)/deploy-venv/bin/python tests/deploy/deploy.py $(TARGET)/debug/stagedoor

# Runs the configurations of docs/proxies.md with nginx and Caddy in front of the program.
proxies: $(TARGET)/proxies-venv/ready
	$(PROGRAM)
	$(TARGET)/proxies-venv/bin/python tests/proxies/proxies.py $(TARGET)/debug/stagedoor

# Runs the snippets of README.md, of the guide and of the pages for authors of clients and of backends, in headless
# Chromium too.
tour: $(TARGET)/tour-venv/ready typescript-packages
	$(PROGRAM)
	$(TARGET)/tour-venv/bin/python tests/tour/tour.py $(TARGET)/debug/stagedoor

# Renders the diagrams of the documents in headless Chromium.
diagrams: $(TARGET)/tour-venv/ready $(TARGET)/diagrams-node/ready
	$(TARGET)/tour-venv/bin/python tests/diagrams/diagrams.py $(TARGET)/diagrams-node

# Checks the TypeScript packages, also against the program.
typescript: typescript-packages
	$(PROGRAM)
	cd clients/typescript && STAGEDOOR_BIN=$(abspath $(TARGET))/debug/stagedoor npm test

# Builds the TypeScript packages. A lock file of npm may lack packages of other platforms.
typescript-packages:
	cd clients/typescript && (npm ci --no-audit --no-fund || npm install --no-audit --no-fund)
	cd clients/typescript && npm run build

# Checks that the embedded pages are built from their sources, and tests them in Chromium.
pages:
	$(PROGRAM)
	cd console && (npm ci --no-audit --no-fund || npm install --no-audit --no-fund)
	cd console && STAGEDOOR_EMBEDDED=1 STAGEDOOR_BIN=$(abspath $(TARGET))/debug/stagedoor npm test

# Reads both text formats of /metrics with the parsers of a Prometheus client.
metrics: $(TARGET)/metrics-venv/ready
	$(PROGRAM)
	$(TARGET)/metrics-venv/bin/python tests/metrics/metrics.py $(TARGET)/debug/stagedoor

# The virtual environment of a test in Python.
$(TARGET)/%-venv/ready: tests/%/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# The Node packages of a test.
$(TARGET)/%-node/ready: tests/%/package.json tests/%/package-lock.json tests/%/.npmrc
	mkdir -p $(@D)
	cp $^ $(@D)
	cd $(@D) && npm ci --silent
	touch $@

# Not part of `test`: figures need a quiet machine. `make loadtest ARGS="connect --url …"`.
loadtest:
	$(CARGO) run --release --package stagedoor-loadtest --locked -- $(ARGS)

# The revision that `figures` compares with: the last one before the bounds were added.
BEFORE ?= 3b96f4b050514ec0914b44de8eb51ee0f445e7ea
FIGURES := $(abspath $(TARGET))/figures

# Not part of `test` either: figures before and after, in one run. `make figures BEFORE=<git revision>`.
figures:
	git worktree prune
	test -e $(FIGURES)/before/.git || git worktree add --detach $(FIGURES)/before $(BEFORE)
	git -C $(FIGURES)/before checkout --quiet --detach $(BEFORE)
	cd $(FIGURES)/before && CARGO_TARGET_DIR=$(FIGURES)/target $(CARGO) build --release --package stagedoor --locked
	cp $(FIGURES)/target/release/stagedoor $(FIGURES)/stagedoor-before
	$(CARGO) build --release --package stagedoor --package stagedoor-loadtest --locked
	cp $(TARGET)/release/stagedoor $(FIGURES)/stagedoor-after
	$(TARGET)/release/loadtest figures --before $(FIGURES)/stagedoor-before --after $(FIGURES)/stagedoor-after \
		--json $(FIGURES)/figures.json $(ARGS)
