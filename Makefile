# Run `make help` for the targets. `make run` and `make test` set everything up on a fresh clone.
.DEFAULT_GOAL := help
PYTHON ?= python3
SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
UV := uv==0.13.9
# Reads the lists of packages only; kept apart from the environment of the dashboard.
AUDIT := $(VENV)/tools/audit
PIP_AUDIT := pip-audit==2.10.1
SPARK := pyspark==4.2.0
# One lock for all systems and Python 3.11 or later, with the hashes of all files of a release.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --annotation-style line --custom-compile-command "make lock" $(ARGS)

# Install what a lock file lists. uv takes a tenth of the time of pip, but does not read its
# configuration; where uv cannot install, pip does.
define install
@index=$${PIP_INDEX_URL:-$$($(BIN)/pip config get global.index-url 2>/dev/null)}; \
	env $${index:+"UV_DEFAULT_INDEX=$$index"} $(BIN)/uv pip install --quiet --python $(BIN)/python \
	--require-hashes -r $(1) || $(PIP) --require-hashes -r $(1)
endef

.PHONY: run test spark test-cluster cluster test-js test-dates check check-text check-types check-docs check-js bench bench-detection fuzz shots demo lock audit clean

$(VENV)/.uv: requirements-uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements-uv.lock
	@touch $@

$(VENV)/.run: requirements.lock $(VENV)/.uv
	@echo "Installing dependencies."
	$(call install,requirements.lock)
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(call install,requirements-dev.lock)
	@touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	@$(PIP) -r requirements-bench.txt
	@touch $@

$(VENV)/.fuzz: requirements-fuzz.txt $(VENV)/.run
	@$(PIP) -r requirements-fuzz.txt
	@touch $@

# Checks and tests of the browser components; running the dashboard needs no Node.js.
node_modules/.installed: package-lock.json
	@command -v npm >/dev/null || { echo "Install Node.js 20 or later with npm (https://nodejs.org), then run this again."; exit 1; }
	@npm ci --silent --no-audit --no-fund
	@touch $@

help:                      ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

run: $(VENV)/.run          ## Start the dashboard on http://127.0.0.1:8501
	@$(BIN)/python -m trail serve

test: $(VENV)/.dev test-js ## Run all tests, including the browser tests
	@$(BIN)/python tests/browser/find_chromium.py
	@$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

$(VENV)/spark/.installed:
	@command -v java >/dev/null || { echo "Install Java 17 or later, then run this again."; exit 1; }
	@test -x $(VENV)/spark/bin/python || $(PYTHON) -m venv $(VENV)/spark
	@echo "Installing Spark; it takes some minutes."
	@$(VENV)/spark/bin/pip install --quiet --disable-pip-version-check --no-deps wheel setuptools $(SPARK)
	@touch $@

spark: $(VENV)/spark/.installed

test-cluster: $(VENV)/.dev $(VENV)/spark/.installed  ## Run the tests that need a Spark cluster (Java 17)
	@TRAIL_SPARK_PYTHON=$(abspath $(VENV))/spark/bin/python $(BIN)/python -m pytest -q -n 2 --dist loadfile tests/cluster $(ARGS)

cluster: $(VENV)/.dev $(VENV)/spark/.installed  ## Start a local Spark cluster and a demo workspace on it
	@TRAIL_SPARK_PYTHON=$(abspath $(VENV))/spark/bin/python $(BIN)/python deploy/spark/demo.py

test-js: node_modules/.tested  ## Run the unit tests of the browser components, if they have changed

node_modules/.tested: node_modules/.installed $(wildcard tests/js/* ui/*.js ui/*/*.js trail/web/*.js)
	@npm --silent test
	@touch $@

test-dates: $(VENV)/.dev   ## Run the browser tests at eleven dates, one after another; ARGS="-k leap" picks
	@$(BIN)/python tests/browser/find_chromium.py
	@$(BIN)/python tests/shifted_clock.py
	@$(BIN)/python -m pytest -q -m slow tests/test_dates.py $(ARGS)

check: check-text check-types check-docs check-js  ## Format, lint, types, layers, spelling, docs

check-text: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/codespell

check-types: $(VENV)/.dev
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check-docs: $(VENV)/.dev
	@$(BIN)/zensical build --strict

check-js: node_modules/.installed  ## Format, lint and types of the browser components
	@npm --silent run check

docs: $(VENV)/.dev         ## Write the generated pages and build the docs site into site/
	@for page in api commands files roles routes search settings; do $(BIN)/python -m docs.$$page || exit 1; done
	@$(BIN)/zensical build --strict --clean

wheel: $(VENV)/.dev        ## Build the wheel into dist/
	@$(BIN)/python -m hatchling build -t wheel

bench: $(VENV)/.dev        ## Run the benchmarks and write bench/RESULTS.md
	@$(BIN)/python -m bench $(ARGS)

bench-detection: $(VENV)/.bench  ## Measure detection quality and write bench/DETECTION.md
	@$(BIN)/python -m bench.detection $(ARGS)

fuzz: $(VENV)/.fuzz        ## Fuzz all parsers; SECONDS=60 per target
	@$(BIN)/python -m fuzz --seconds $(SECONDS) $(ARGS)

shots: $(VENV)/.dev        ## Take the screenshots of README and docs
	@$(BIN)/python tests/browser/find_chromium.py
	@$(BIN)/python -m docs.shots

demo: $(VENV)/.run         ## Write a realistic demo workspace to demo.ndjson
	@$(BIN)/python -m trail demo --out demo.ndjson

lock: $(VENV)/.uv          ## Resolve the lock files; ARGS=--upgrade takes newer indirect dependencies
	@echo $(UV) | $(LOCK) -o requirements-uv.lock -
	@$(LOCK) -o requirements-dev.lock requirements-dev.txt
	@$(LOCK) -o requirements.lock -c requirements-dev.lock requirements.txt  # same versions as tested

audit:                     ## Check locked packages for known vulnerabilities; needs the network
	@test -x $(AUDIT)/bin/python || $(PYTHON) -m venv $(AUDIT)
	@$(AUDIT)/bin/pip install --quiet --disable-pip-version-check $(PIP_AUDIT)
	@$(AUDIT)/bin/pip-audit --strict --require-hashes --disable-pip -r requirements-dev.lock $(ARGS)

clean:                     ## Remove the installed dependencies
	rm -rf $(VENV) node_modules
