# The commands people type. `make venv test` from a fresh clone installs everything and runs all tests.
# VENV=path uses another environment: make test VENV=~/envs/conviqt

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help venv test lint format types check coverage benchmark build clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

venv: $(BIN)/pytest ## create the environment, with everything that development needs

$(BIN)/pytest: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -e '.[dev]'
	@touch $@

test: ## run the tests; ARGS=tests/quality runs one folder
	$(BIN)/pytest $(ARGS)

lint: ## style and complexity
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: ## fix what can be fixed automatically
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: ## mypy, strict
	$(BIN)/mypy

check: lint types test ## everything that CI checks

coverage: ## tests with line coverage; fails below the floor in pyproject.toml
	$(BIN)/pytest --cov --cov-report=term-missing:skip-covered $(ARGS)

benchmark: ## seconds of work per second of video on this machine, beside a plain rendition of the published procedure
	$(BIN)/python -m benchmarks.speed ratios

build: ## wheel and source archive in dist/
	$(BIN)/python -m build

clean: ## remove caches and build results, not the environment
	rm -rf build dist .coverage .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
