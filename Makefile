# `make run` and `make test` do all the set-up on a bare clone.
PYTHON ?= python3
SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: run test check bench bench-detection fuzz shots demo clean

$(VENV)/.run: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what the dashboard needs; the first time takes a minute."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt $(VENV)/.run
	@$(PIP) -r requirements-dev.txt
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

clean:
	rm -rf $(VENV)
