# `make run` and `make test` do all the set-up on a bare clone.
PYTHON ?= python3
SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# Looks at the lists of packages only, so it lives apart from what the dashboard runs on.
TOOLS := $(VENV)/tools
UV := uv==0.13.9
PIP_AUDIT := pip-audit==2.10.1
# One lock for every system and Python from 3.11 on, with the hashes of all files of a release.
LOCK = $(TOOLS)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --annotation-style line --custom-compile-command "make lock" $(ARGS)

.PHONY: run test test-dates check bench bench-detection fuzz shots demo lock audit clean

$(VENV)/.run: requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the dashboard needs; the first time takes a minute."
	@$(PIP) --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	@$(PIP) -r requirements-bench.txt
	@touch $@

$(VENV)/.fuzz: requirements-fuzz.txt $(VENV)/.run
	@$(PIP) -r requirements-fuzz.txt
	@touch $@

run: $(VENV)/.run          ## Start the dashboard on http://127.0.0.1:8501
	@$(BIN)/python -m trail serve

test: $(VENV)/.dev         ## Run all tests, those in a browser among them
	@$(BIN)/python tests/browser/find_chromium.py
	@$(BIN)/python -m pytest -q -n auto --dist loadfile $(ARGS)

test-dates: $(VENV)/.dev   ## Run the browser tests at eleven dates, one after another; ARGS="-k leap" picks
	@$(BIN)/python tests/browser/find_chromium.py
	@$(BIN)/python tests/shifted_clock.py
	@$(BIN)/python -m pytest -q -m slow tests/test_dates.py $(ARGS)

check: $(VENV)/.dev        ## Format, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.dev        ## Measure, and write bench/RESULTS.md
	@$(BIN)/python -m bench $(ARGS)

bench-detection: $(VENV)/.bench  ## Measure what is found, and write bench/DETECTION.md
	@$(BIN)/python -m bench.detection $(ARGS)

fuzz: $(VENV)/.fuzz        ## Feed hostile bytes to all that reads; SECONDS=60 for each target
	@$(BIN)/python -m fuzz --seconds $(SECONDS) $(ARGS)

shots: $(VENV)/.dev        ## Draw the pictures of the README
	@$(BIN)/python tests/browser/find_chromium.py
	@$(BIN)/python -m docs.shots

demo: $(VENV)/.run         ## Write a believable workspace to demo.ndjson
	@$(BIN)/python -m trail demo --out demo.ndjson

lock:                      ## Write the locks anew; ARGS=--upgrade takes newer indirect packages
	@test -x $(TOOLS)/lock/bin/python || $(PYTHON) -m venv $(TOOLS)/lock
	@$(TOOLS)/lock/bin/pip install --quiet --disable-pip-version-check $(UV)
	@$(LOCK) -o requirements-dev.lock requirements-dev.txt
	@$(LOCK) -o requirements.lock -c requirements-dev.lock requirements.txt  # run what is tested

audit:                     ## Ask whether a locked package has a known weakness; needs the network
	@test -x $(TOOLS)/audit/bin/python || $(PYTHON) -m venv $(TOOLS)/audit
	@$(TOOLS)/audit/bin/pip install --quiet --disable-pip-version-check $(PIP_AUDIT)
	@$(TOOLS)/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements-dev.lock $(ARGS)

clean:
	rm -rf $(VENV)
