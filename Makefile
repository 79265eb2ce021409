# `make vm` builds the sandbox, `make test` runs the fast tests, `make help` lists all targets.
SHELL := /bin/bash
DSS := .build/debug/dss
ROOT := $(if $(filter 0,$(shell id -u)),,sudo -E env "PATH=$(PATH)")

# Without debug information, a build from nothing takes less time. (With an index, since the tests are found by it.) Use
# the same options for all builds in .build, since others compile everything anew; a debugger: make build BUILD="swift build".
BUILD := swift build -debug-info-format none
# Where `make install` puts the program; DESTDIR is set in front of it, for packages.
PREFIX ?= /usr/local
BIN = $(DESTDIR)$(PREFIX)/bin
SHARE = $(DESTDIR)$(PREFIX)/share
INSTALLED = $(BIN)/dss $(SHARE)/bash-completion/completions/dss $(SHARE)/zsh/site-functions/_dss \
	$(SHARE)/fish/vendor_completions.d/dss.fish $(SHARE)/man/man1/dss.1 $(SHARE)/man/man1/dss-*.1
# Only copying needs the rights of the prefix; what root builds, nobody else can build again.
OWNER = $(shell d='$(DESTDIR)$(PREFIX)'; until [ -e "$$d" ]; do d=$$(dirname "$$d"); done; [ -w "$$d" ] || echo sudo)

# The tests that take minutes, as a regular expression on their names.
SLOW := [./]($(shell sed -nE 's/^([a-zA-Z]+).*/\1/p' tools/slow-tests.txt | paste -sd '|'))[/(]
# All tests at once would starve each other until their time limits are over.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH := $(shell echo $$((3 * $$(nproc))))
# The tests' own program, since two `swift test` at once get in each other's way: both open the build's database.
TEST := $(ROOT) .build/debug/dssPackageTests.xctest --testing-library swift-testing
# Most time of a machine's or an instance's tests is spent waiting, so the emulated AWS is tested beside real machines.
BESIDE := @$(MAKE) --no-print-directory --jobs=2

.PHONY: help setup build build-tests vm man test test-quick test-main-job test-slow test-slow-machines test-slow-aws
.PHONY: test-all test-docker verify bench bench-aws lint check format doctor install uninstall

help: ## Show this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup:
	@tools/setup.sh tools/packages.txt

build: setup ## Build the tool
	$(BUILD) --product dss

vm: build ## Build the VM images of sandbox.yaml; ARGS="--format ova" adds options
	$(ROOT) $(DSS) create-vm $(ARGS)

man: build ## Write man pages of all commands to .build/man
	tools/command-reference.py --dss $(DSS) --man .build/man

install: man ## Install dss, man pages, completions and what dss init copies; PREFIX=/usr/local and DESTDIR= can be set
	mkdir -p .build/completions
	for shell in bash zsh fish; do \
		$(DSS) --generate-completion-script $$shell >.build/completions/$$shell || exit; done
	$(OWNER) install -D -m 755 $(DSS) '$(BIN)/dss'
	$(OWNER) install -D -m 644 .build/completions/bash '$(SHARE)/bash-completion/completions/dss'
	$(OWNER) install -D -m 644 .build/completions/zsh '$(SHARE)/zsh/site-functions/_dss'
	$(OWNER) install -D -m 644 .build/completions/fish '$(SHARE)/fish/vendor_completions.d/dss.fish'
	$(OWNER) install -D -m 644 -t '$(SHARE)/man/man1' .build/man/*.1
	$(OWNER) install -d '$(SHARE)/dss'
	$(OWNER) cp -R sandbox.yaml pins.yaml playbook '$(SHARE)/dss'

uninstall: ## Remove what make install has installed
	$(OWNER) rm -f $(INSTALLED)
	$(OWNER) rm -rf '$(SHARE)/dss'

test: build-tests ## Run the fast tests, as root via sudo; ARGS="--filter NAME" runs others
ifdef ARGS
	$(TEST) $(ARGS)
else
	.venv-aws/bin/python Tests/AWSEmulator/self_test.py
	$(BESIDE) test-quick test-main-job
	@echo 'skipped; make test-all runs them too:'; grep '^[a-zA-Z]' tools/slow-tests.txt | sed 's/^/  /'
endif

test-quick:
	$(TEST) --skip '$(SLOW)' --skip '^AWS' --skip EndToEndTests
	$(TEST) --skip '$(SLOW)' --filter '^AWS'

test-main-job:
	$(TEST) --skip '$(SLOW)' --filter EndToEndTests

test-slow: build-tests ## Run the tests of tools/slow-tests.txt
	$(BESIDE) test-slow-machines test-slow-aws

test-slow-machines:
	$(TEST) --filter '$(SLOW)' --skip '^AWS'

test-slow-aws:
	$(TEST) --filter '^AWS.*$(SLOW)'

test-all: test test-slow ## Run all tests

build-tests:
	@tools/setup.sh --tests tools/packages.txt tools/test-packages.txt
	$(BUILD) --build-tests

test-docker: build ## Check an existing Docker image: DSS_DOCKER_IMAGE=REF make test-docker
	$(ROOT) $(DSS) verify-docker-image "$(DSS_DOCKER_IMAGE)" $(ARGS)

verify: build ## Build all image formats and boot them on every kind of virtual hardware
	$(ROOT) tools/verify-all.sh $(ARGS)

bench: build ## Measure every build stage, cold and warm
	$(ROOT) tools/bench.py $(ARGS)

bench-aws: setup ## Measure the AWS client against a local server
	swift build -c release --product dss-bench --scratch-path .build-release
	swift build -c release --product dss --scratch-path .build-release
	.build-release/release/dss-bench

lint: ## Check formatting, shell scripts, CloudFormation templates and workflows
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks
	shellcheck tools/*.sh Sources/*/Resources/*.sh .ci/run
	@tools/lint-templates.sh

check: lint test ## Run lint and the fast tests

format: ## Format the Swift sources
	swift format --in-place --recursive Package.swift Sources Tests Benchmarks

doctor: build ## List required tools and report missing ones
	$(DSS) doctor
