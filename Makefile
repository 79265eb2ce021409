# `make vm` builds the sandbox, `make test` runs all tests; `make help` names the rest.
SHELL := /bin/bash
DSS := .build/debug/dss
ROOT := $(if $(filter 0,$(shell id -u)),,sudo -E env "PATH=$(PATH)")

.PHONY: help setup build vm test test-docker verify bench bench-aws lint check format doctor

help: ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup:
	@tools/setup.sh tools/packages.txt

build: setup ## Build the tool
	swift build --product dss

vm: build ## Build the sandbox VM images of sandbox.yaml; ARGS="--format ova" adds options
	$(ROOT) $(DSS) create-vm $(ARGS)

test: ## Run all tests; the ones that need root run with sudo
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

verify: build ## Boot the built images on every kind of virtual hardware
	$(ROOT) tools/verify-all.sh $(ARGS)

bench: build ## Measure every stage, cold and warm
	$(ROOT) tools/bench.py $(ARGS)

bench-aws: setup ## Measure the AWS client against a server on this machine
	swift build -c release --product dss-bench --scratch-path .build-release
	swift build -c release --product dss --scratch-path .build-release
	.build-release/release/dss-bench

lint: ## Formatting, shell scripts, CloudFormation templates and workflows
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks
	shellcheck tools/*.sh Sources/*/Resources/*.sh .ci/run
	@tools/lint-templates.sh

check: lint test ## What CI runs

format: ## Format the Swift sources
	swift format --in-place --recursive Package.swift Sources Tests Benchmarks

doctor: build ## What is installed, what is missing
	$(DSS) doctor
