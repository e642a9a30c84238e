# Orchestra's commands. Each makes the virtual environment first when it is missing or the locked packages changed.
#   make run      start everything on http://127.0.0.1:8000       (ARGS="--port 9000" is passed on)
#   make install  the locked packages without the development ones, for a server (docs/production.md)
#   make test     the tests, with coverage                        (ARGS="tests/strategies -k voting" narrows them)
#   make check    every check that looks at the code              make fix    what of it can be fixed by itself
#   make audit    known faults in the locked packages             make lock   resolve requirements/*.in again
#   make bench    the figures of benchmarks/                      make faults what happens when things break
#   make foreign  Orchestra against a real OpenAI-compatible server that is not ours

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.installed
INSTALLED := .venv/.installed-base
LOCKED := requirements/base.txt requirements/dev.txt
ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start some two hundred processes, each of which would compile the whole tree if it kept no bytecode.
test: export PYTHONDONTWRITEBYTECODE :=

CHECKS := check-format check-lint check-types check-layers check-templates check-django check-migrations \
          check-dependencies check-spelling

.PHONY: setup install run test check fix audit bench faults foreign lock $(CHECKS)
.DEFAULT_GOAL := run

setup: $(READY)

install: $(INSTALLED)

$(READY): $(LOCKED)
	$(call environment,dev)

$(INSTALLED): requirements/base.txt
	$(call environment,base)

define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Orchestra needs CPython 3.11 or newer, $(PYTHON) is older. Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; \
	  exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  echo "Making the virtual environment .venv"; \
	  $(PYTHON) -m venv --clear .venv; }
	@echo "Installing the locked packages into .venv (a minute or two, only when they change)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/$(1).txt
	@touch $@
endef

run: setup
	@$(BIN)/python -m orchestra_site.management.restarting $(BIN)/python manage.py up $(ARGS)

ifeq ($(ARGS),)
test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=
	$(BIN)/python -m coverage report --fail-under=95
	$(BIN)/python -m coverage report --include='orchestration/*/engine/*,orchestration/expressions/*,orchestration/graphs/*,pipelines/engine/*,collaboration/engine/*' --fail-under=100
else
test: setup
	$(BIN)/python -m pytest $(ARGS)
endif

check: $(CHECKS)

check-format: setup
	$(BIN)/ruff format --check .

check-lint: setup
	$(BIN)/ruff check .

check-types: setup
	$(BIN)/mypy .

check-layers: setup
	$(BIN)/lint-imports

check-templates: setup
	$(BIN)/djade --check $$(find templates -name '*.html')
	$(BIN)/djhtml --check templates
	$(BIN)/djlint --lint --quiet templates

check-django: setup
	$(BIN)/python manage.py check --fail-level WARNING

check-migrations: setup
	$(BIN)/python manage.py makemigrations --check --dry-run

check-dependencies: setup
	$(BIN)/deptry .

check-spelling: setup
	$(BIN)/codespell

fix: setup
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/djade $$(find templates -name '*.html')
	$(BIN)/djhtml templates
	$(BIN)/codespell --write-changes

audit: setup
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements/dev.txt

bench: setup
	$(BIN)/python -m benchmarks $(ARGS)

faults: setup
	$(BIN)/python -m benchmarks.faults $(ARGS)

foreign: setup
	$(BIN)/python -m benchmarks.foreign $(ARGS)

LOCK := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --no-strip-extras \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

lock: setup
	$(LOCK) --output-file requirements/base.txt requirements/base.in
	$(LOCK) --output-file requirements/dev.txt requirements/dev.in
