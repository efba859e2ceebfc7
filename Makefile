# The commands of this checkout. `make` alone lists them. Only Python, git and make are needed beforehand.
.POSIX:
.SUFFIXES:
.PHONY: help run test bench chaos lint format lock clean

# Given on the command line: make run ARGS="--workers 8", make test TESTS="tests/jobs -k retry", make run PYTHON=python3.12
ARGS =
TESTS =
PYTHON =

BIN = .venv/bin

help:
	@echo "make run      start Tutti on this machine          ARGS=\"--bind HOST:PORT --workers N ...\""
	@echo "make test     run every test that can run here     TESTS=\"tests/jobs -k retry\""
	@echo "make bench    measure and print the benchmarks     ARGS=..."
	@echo "make chaos    kill processes at random             ARGS=..."
	@echo "make lint     check format, rules, types, floors, templates"
	@echo "make format   put every file into the one format"
	@echo "make lock     write the locks anew from pyproject.toml"
	@echo "make clean    remove the environment and caches (never data/)"
	@echo "PYTHON=python3.12 chooses the Python of a new environment."

# `exec`: Ctrl-C and SIGTERM reach the command itself, and no shell stays in between.
run: .venv/installed
	@exec $(BIN)/python manage.py up $(ARGS)

test: .venv/installed-dev
	@exec $(BIN)/python -m tests.everything $(TESTS)

bench: .venv/installed-dev
	@exec $(BIN)/python -m tests.benchmarks $(ARGS)

chaos: .venv/installed-dev
	@exec $(BIN)/python -m tests.chaos $(ARGS)

lint: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Universal: one lock for Linux and macOS and every supported Python, with the hashes of all published files.
LOCK = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --quiet

lock: .venv/installed-dev
	$(LOCK) --upgrade --output-file requirements.lock
	$(LOCK) --upgrade --extra dev --constraints requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The newest Python that fits, with what an environment needs (Debian keeps venv in a package of its own).
.venv/bin/python:
	@wanted="$(PYTHON)"; \
	for candidate in $${wanted:-python3.13 python3.12 python3.11 python3 python3.14}; do \
		if $$candidate -c 'import ensurepip, sqlite3, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making .venv with $$($$candidate --version)"; \
			exec $$candidate -m venv --clear .venv; \
		fi; \
	done; \
	echo "Tutti needs Python 3.11 or newer with its venv module; $${wanted:-none that was found} does not do." >&2; \
	echo "Install it (Debian, Ubuntu: apt-get install python3-venv; macOS: brew install python)" >&2; \
	echo "or name one: make PYTHON=/path/to/python3.12" >&2; \
	exit 1

INSTALL = $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes

.venv/installed: .venv/bin/python requirements.lock
	@echo "Installing what Tutti needs (requirements.lock)"
	@$(INSTALL) --requirement requirements.lock
	@touch $@

.venv/installed-dev: .venv/bin/python requirements-dev.lock
	@echo "Installing what the tests need (requirements-dev.lock)"
	@$(INSTALL) --requirement requirements-dev.lock
	@touch $@
