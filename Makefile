# `make vm` builds the sandbox, `make test` runs all tests, `make help` lists all targets.
SHELL := /bin/bash
DSS := .build/debug/dss
ROOT := $(if $(filter 0,$(shell id -u)),,sudo -E env "PATH=$(PATH)")

.PHONY: help setup build vm man test test-docker verify bench bench-aws lint check format doctor

help: ## Show this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup:
	@tools/setup.sh tools/packages.txt

build: setup ## Build the tool
	swift build --product dss

vm: build ## Build the VM images of sandbox.yaml; ARGS="--format ova" adds options
	$(ROOT) $(DSS) create-vm $(ARGS)

man: build ## Write man pages of all commands to .build/man
	tools/command-reference.py --dss $(DSS) --man .build/man

test: ## Run all tests, as root via sudo
	@tools/setup.sh --tests tools/packages.txt tools/test-packages.txt
	.venv-aws/bin/python Tests/AWSEmulator/self_test.py
	swift build --build-tests
ifdef ARGS
	$(ROOT) swift test --skip-build $(ARGS)
else
	$(ROOT) swift test --skip-build --skip EndToEndTests --skip '^AWS'
	$(ROOT) swift test --skip-build --filter '^AWS'
	$(ROOT) swift test --skip-build --filter EndToEndTests
endif

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

check: lint test ## Run lint and test, like CI

format: ## Format the Swift sources
	swift format --in-place --recursive Package.swift Sources Tests Benchmarks

doctor: build ## List required tools and report missing ones
	$(DSS) doctor
