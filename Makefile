# What continuous integration runs, and the parts of it. `make test` stops at the first that fails.

CARGO ?= cargo
DENY_VERSION := 0.20.2
# Where `deny` finds or puts its tool; kept between runs.
TOOLS ?= $(HOME)/.cache/stagedoor-tools
export PATH := $(TOOLS)/bin:$(PATH)

.PHONY: test fmt clippy deny doc schema rust-test stock api-contract deploy-files loadtest

test: fmt clippy deny doc schema rust-test stock api-contract deploy-files

fmt:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings

deny:
	command -v cargo-deny >/dev/null || $(CARGO) install --locked --root $(TOOLS) cargo-deny@$(DENY_VERSION)
	$(CARGO) deny --locked check bans licenses sources

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --all-features --no-deps --locked

# The generated schema and types must be those of the code; the test says how to renew them.
schema:
	$(CARGO) test --package stagedoor-proto --all-features --locked --test schema_is_fresh

rust-test:
	$(CARGO) test --workspace --all-features --locked

TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

# The program as a WebSocket client meets it that nobody here wrote.
stock: $(TARGET)/stock-venv/ready
	$(CARGO) build --package stagedoor --locked
	$(TARGET)/stock-venv/bin/python tests/stock/stock.py $(TARGET)/debug/stagedoor

# The server API as its own document describes it; the tests of the document say how to renew that.
api-contract: $(TARGET)/contract-venv/ready
	$(CARGO) build --package stagedoor --locked
	$(TARGET)/contract-venv/bin/python tests/contract/contract.py $(TARGET)/debug/stagedoor

# The compose file against its schema, and what it mounts against the program.
deploy-files: $(TARGET)/deploy-venv/ready
	$(CARGO) build --package stagedoor --locked
	$(TARGET)/deploy-venv/bin/python tests/deploy/deploy.py $(TARGET)/debug/stagedoor

# What a test in Python needs, in an environment of its own.
$(TARGET)/%-venv/ready: tests/%/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# Not part of `test`: numbers need a quiet machine. `make loadtest ARGS="connect --url …"`.
loadtest:
	$(CARGO) run --release --package stagedoor-loadtest --locked -- $(ARGS)
