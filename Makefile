# Every target is one line of work, with its help text behind `##`.
SHELL  := /bin/bash
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
LOCK   := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 --universal --custom-compile-command 'make lock'
# Two workers, each file on one of them: the tests of a file share an installation or a server.
TESTS  := $(BIN)/python -m pytest -q -n 2 --dist loadfile
CODE   := services projections shared tollhouse tests conftest.py

.DEFAULT_GOAL := help
.PHONY: help install quickstart demo up verify test check lint types imports security audit leaks drill sim sim-bugs bench kafka lock format clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/.installed ## create .venv from the pinned, hashed requirements (Python 3.11 or newer)

.venv/.installed: requirements/runtime.txt requirements/dev.txt requirements/data.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Tollhouse needs Python 3.11 or newer: set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing pinned requirements into .venv ..."
	@$(PIP) --require-hashes -r requirements/runtime.txt -r requirements/dev.txt
	@$(PIP) --require-hashes --no-build-isolation -r requirements/data.txt
	@$(PIP) --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q services projections shared tollhouse
	@touch $@

quickstart: install ## from nothing to the first invoice of a customer, shown as a table
	@$(BIN)/tollhouse quickstart

demo: install ## bill a year of real flights, collect and verify (MONTHS=1 is quick)
	@$(BIN)/tollhouse demo $(if $(MONTHS),--months $(MONTHS))

up: install ## run an installation until Ctrl-C; prints addresses and tokens
	@$(BIN)/tollhouse up

verify: install ## rebuild every read model beside the live ones and compare
	@$(BIN)/tollhouse verify

test: install ## run all tests
	@$(TESTS)

check: install lint types imports security audit leaks ## lint, types, import rules, security checks, all tests with coverage (what CI runs)
	@$(TESTS) --cov --cov-report=term:skip-covered

lint: install ## check formatting and lint
	@$(BIN)/ruff format --check --quiet $(CODE) && $(BIN)/ruff check --quiet $(CODE)

types: install ## check types (mypy --strict)
	@$(BIN)/mypy

imports: install ## check who may import whom (import-linter)
	@$(BIN)/lint-imports --no-logo

security: install ## look for insecure code (bandit)
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(CODE)

audit: install ## look for known vulnerabilities of the pinned requirements (pip-audit; skipped without network)
	@$(BIN)/python -m tests.security.audit_requirements

leaks: install ## look for secrets in files of the repository (detect-secrets)
	@git rev-parse --git-dir >/dev/null 2>&1 || { echo "leaks: SKIPPED, nothing was scanned: this is no git checkout"; exit 0; }; \
	git ls-files -z --cached --others --exclude-standard | xargs -0 $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline

drill: install ## restore drill: backup, loss of the databases under load, restore, go on; prints RPO and RTO
	@$(BIN)/python -m tests.recovery.drill

sim: install ## run seeds of the simulated world on all cores (SEEDS=20000, or tell one: SEED=42)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000))

sim-bugs: install ## plant known bugs into copies of the tree; each must be caught by a seed
	@$(BIN)/python -m tests.simulation.planted_bugs

bench: install ## measure speed, as ratios against a limit measured in the same run
	@$(BIN)/python -m tests.bench

kafka: install ## run Apache Kafka (JDK 17+, fetched with Maven) until Ctrl-C; prints the settings to use it
	@$(BIN)/python -m tests.apache_kafka.server

lock: install ## pin requirements/*.in again, with hashes
	@for name in runtime dev; do $(LOCK) requirements/$$name.in -o requirements/$$name.txt; done && $(LOCK) --no-deps requirements/data.in -o requirements/data.txt

format: install ## format the code and repair what lint can repair
	@$(BIN)/ruff format --quiet $(CODE) && $(BIN)/ruff check --fix --quiet $(CODE)

clean: ## delete local data and caches (keeps .venv)
	@rm -rf .tollhouse .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* && find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
