# Two commands do everything: `make up` runs the platform, `make test` passes the tests.
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
PACKAGES := activities api core deploy models search workers workflows

# Workflow sandboxes load modules for every run: without compiled files each load compiles anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up down demo verify check test test-deep chaos format lock clean

help: ## Show these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# The stamp is as new as the lock it was built from, so a second run costs nothing. Compiling here
# keeps the first start short: five processes would compile the same modules at once.
.venv/.installed: requirements.lock pyproject.toml
ifdef UV
	uv venv --quiet --allow-existing --python $(PYTHON) .venv
	uv pip sync --quiet --python $(BIN)/python --require-hashes --only-binary :all: --compile-bytecode requirements.lock
	uv pip install --quiet --python $(BIN)/python --no-deps --editable .
else
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endif
	@$(BIN)/python -m compileall -q $(PACKAGES)
	@touch $@

.venv: .venv/.installed ## Build the virtual environment from the lock

up: .venv ## Run the whole platform on this machine
	@$(BIN)/perdure up

down: .venv ## Stop a platform that runs in the background
	@$(BIN)/perdure down

demo: .venv ## Place real orders over HTTP and follow them to delivered
	@$(BIN)/perdure demo

verify: .venv ## Check every invariant on the running platform
	@$(BIN)/perdure verify

check: .venv ## Lint, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Two processes, each with a stack of its own; then those that watch the clock have the machine.
test: .venv ## All tests, on the real embedded stack
	$(BIN)/pytest --numprocesses 2 --ignore tests/e2e --ignore tests/chaos
	$(BIN)/pytest tests/e2e tests/chaos

test-deep: .venv ## Random lives, troubled payments, a large import; STEPS=20000 COMBINATIONS=600 SEED=1
	PERDURE_LIVES_STEPS=$(or $(STEPS),20000) $(BIN)/pytest tests/integration/lives
	PERDURE_FAULTS_COMBINATIONS=$(or $(COMBINATIONS),600) PERDURE_FAULTS_SEED=$(or $(SEED),$(shell date +%s)) \
		$(BIN)/pytest tests/faults
	$(BIN)/python -m tests.benchmarks.import_speed

chaos: .venv ## Kill every process once while 300 orders are placed
	PERDURE_CHAOS_ORDERS=300 $(BIN)/pytest tests/chaos

format: .venv ## Let ruff format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## Resolve pyproject.toml again into requirements.lock (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--only-binary :all: --all-extras --group build pyproject.toml --output-file requirements.lock --upgrade

clean: ## Remove the virtual environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
