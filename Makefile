# One command for each thing a person does here. `make` alone lists them.
# Needs Python 3.10 or newer with pip and venv, and nothing else.

PYTHON ?= python3
VENV ?= .venv
TOX_VENV ?= .tox-venv
# How many files of tests `make test` runs at once, and environments `make matrix`.
JOBS ?= auto
# More options for tox: make matrix TOXFLAGS="--skip-missing-interpreters true"
TOXFLAGS ?=
# What to install for `make test`: `test,browser,uwsgi` adds the tests of the page in Chromium, and
# that of the endpoint under uWSGI.
EXTRAS ?= test
# More arguments for pytest: make test ARGS="-k junit -x"
ARGS ?=

BIN = $(VENV)/bin
TOX = $(TOX_VENV)/bin/tox
CONSUMERS = tests/consumers/node_modules/.package-lock.json
EXAMPLES = tests/ci_examples/node_modules/.package-lock.json
# What was installed is installed anew when one of these changes.
PROJECT = pyproject.toml setup.py

.PHONY: help test tables test-ci-examples test-endpoint demo demo-broken demo-targets lint format types imports package matrix consumers clean

help: ## Say what there is (this)
	@echo "make TARGET [PYTHON=python3.12]"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/\1|\2/p' Makefile | while IFS='|' read -r name text; \
		do printf '  %-16s %s\n' "$$name" "$$text"; done

test: $(VENV)/.test ## Run the whole suite on one Python
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

test-endpoint: $(VENV)/.test ## Load, fuzz, break and measure /probe/ (needs Redis and wrk)
	TEST_ENDPOINT=full $(BIN)/python -m pytest -s $(ARGS) tests/endpoint \
		tests/test_endpoint_fuzz.py tests/test_endpoint_load.py

# Two at once: half of their time is waiting for the demo's own probes.
test-ci-examples: $(VENV)/.ci-examples $(EXAMPLES) ## Check and run the examples for CI (needs Node)
	$(BIN)/python -m pytest -n 2 $(ARGS) tests/ci_examples

tables: $(VENV)/.test $(CONSUMERS) ## Make the tables in docs that come from tests (needs the servers)
	$(BIN)/python tests/write_ways.py
	UPDATE_TABLES=1 $(BIN)/python -m pytest -k table $(ARGS)

demo: $(VENV)/.demo ## See a small shop with its probes, all green
	$(BIN)/python demo/run.py

demo-broken: $(VENV)/.demo ## See what a red gate looks like
	$(BIN)/python demo/run.py --broken

demo-targets: $(VENV)/.demo ## See three shops asked at once, one of them an old release
	$(BIN)/python demo/targets.py

lint: $(TOX) ## Check style
	$(TOX) run -q -e style

format: $(TOX) ## Put the style right, where a tool can
	$(TOX) run -q -e format

types: $(TOX) ## Check types, on the installed wheel
	$(TOX) run -q -e types

imports: $(TOX) ## Check who imports whom, on the installed wheel
	$(TOX) run -q -e imports

package: $(TOX) ## Build and check sdist and wheel
	$(TOX) run -q -e package

matrix: $(TOX) ## Run everything on every Python and Django that is supported
	$(TOX) run-parallel --parallel $(JOBS) $(TOXFLAGS)

consumers: $(CONSUMERS) ## Install the readers of reports that need Node (tests skip without)

clean: ## Throw away what the other targets made
	rm -rf $(VENV) $(TOX_VENV) .tox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	rm -rf build dist ./*.egg-info .demo .bench tests/*/node_modules

$(VENV)/.made: $(PROJECT)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "$(PYTHON) is older than Python 3.10 or missing: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
		exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[remote]'
	@touch $@

$(VENV)/.test: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.ci-examples: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,ci-examples]'
	@touch $@

$(TOX):
	$(PYTHON) -m venv --clear $(TOX_VENV)
	$(TOX_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'tox>=4.30,<5' 'tox-uv>=1.29,<2'

$(CONSUMERS): tests/consumers/package.json tests/consumers/package-lock.json
	cd tests/consumers && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(EXAMPLES): tests/ci_examples/package.json tests/ci_examples/package-lock.json
	cd tests/ci_examples && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
