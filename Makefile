# The tasks a person types. Each is a line here; what is longer lives in `scripts/`.

PREFIX ?= /usr/local
DATA_DIR ?= .data
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)

.PHONY: help build run test soak check bench bench-peers clients install clean-data

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the host and the plugins of the default chain, into target/release
	@scripts/build

run: build ## the default chain, on .data in this checkout
	@scripts/run "$(TARGET_DIR)/release/host" "$(DATA_DIR)"

test: ## everything that must hold: sets up what is missing, then runs it
	@scripts/test

soak: build ## a thousand swaps under load, a hundred kills, five minutes of trouble in an etcd cluster
	@SWAPS=1000 cargo test --release --workspace --test e2e -- --nocapture clients_do_not_notice
	@KILLS=100 cargo test --release --workspace --test e2e -- --nocapture every_acknowledged_write
	@ETCD_TROUBLE_SECONDS=300 cargo test --release --workspace --test etcd -- --nocapture no_write_is_lost

check: ## format, lints, docs and licences
	@scripts/check

bench: build ## what a request, a start and an idle host cost
	@scripts/bench

bench-peers: build ## the same beside kube-apiserver on etcd, with the ratio that each ought to have
	@scripts/bench-peers

clients: ## the real clients and controllers that the tests use, into .cache
	@scripts/clients

install: build ## into PREFIX, /usr/local unless you say otherwise
	@install -d "$(DESTDIR)$(PREFIX)/bin/plugins"
	@install -m 755 "$(TARGET_DIR)/release/host" "$(DESTDIR)$(PREFIX)/bin/host"
	@install -m 644 "$(TARGET_DIR)"/release/plugins/*.wasm "$(DESTDIR)$(PREFIX)/bin/plugins/"

clean-data: ## forget what `make run` has stored
	@rm -rf "$(DATA_DIR)"
