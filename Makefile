# Everything a newcomer needs; asks for nothing but make and Python 3.11 or newer.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run demo bench test chaos soak check format clean install install-dev

# Ray's workers recompile every import when Python may not write its byte code.
unexport PYTHONDONTWRITEBYTECODE

# The first Python that starts, is new enough and can make a .venv; .venv's own once there is one.
PYTHON = $(shell for name in $(PYTHON_GIVEN) python3.13 python3.12 python3.11 python3.14 python3 python; do \
	"$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
	&& { echo "$$name"; break; }; done)
IN_VENV = .venv/bin/python -P

help:  ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

run: install  ## Start Vitrine; Ctrl-C stops everything it started
	@exec $(IN_VENV) -c 'from cli.main import app; app(["up"])'

demo: install  ## Simulated customers play what Vitrine promises; a table says what happened
	@$(IN_VENV) -c 'from cli.main import app; app(["demo"])'

bench: install-dev  ## Figures beside their references, written to bench/results
	@$(IN_VENV) -c 'import sys; from bench.__main__ import main; sys.exit(main())'

test: install-dev  ## Every test this machine can run
	@$(call python) cli/install.py chromium
	@$(IN_VENV) -m pytest

chaos: install-dev  ## A fault at every step of a message's way, against a run without faults
	@$(IN_VENV) -m tests.chaos matrix
	@$(IN_VENV) -m pytest tests/chaos -m chaos
	@$(IN_VENV) -m pytest tests/model --hypothesis-profile=nightly

SECONDS = 600
soak: install-dev  ## Random kills every few seconds; SECONDS=600 says for how long
	@$(IN_VENV) -m tests.chaos soak $(SECONDS)

check: install-dev  ## Format, lint, types, import contracts
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: install-dev  ## Format the code and mend what lint can
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

clean:  ## Remove .venv and caches; data in .vitrine stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dashboard/node_modules dashboard/dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

install:
	@$(call python) cli/install.py run

install-dev:
	@$(call python) cli/install.py dev

define python
python="$(PYTHON)"; test -n "$$python" || { \
	echo "✗ nenhum Python de 3.11 a 3.14 foi encontrado: instale um (Debian e Ubuntu: apt install python3 python3-venv; macOS: brew install python@3.13)" >&2; exit 1; }; \
	"$$python" -I
endef
