# A fresh machine needs python3 (3.11 or newer, with venv and pip) and make; the rest is set up here.

PYTHON ?= python3
VENV ?= .venv

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint clean

help:
	@echo "make demo   shake seven sharp photos, deblur them, and leave before/after pictures in demo_output/"
	@echo "make test   set up everything, then lint, types, import floors and tests"
	@echo "make lint   the same without the tests"
	@echo "make clean  remove the environment, the caches and demo_output/"

demo: $(VENV)/.runtime
	@SNADNET=$(BIN)/snadnet sh examples/demo.sh

test: lint
	$(BIN)/pytest
	@echo "make test: all checks passed."

lint: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) demo_output dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# pip, not the interpreter, is the sign of a whole environment: python3 without ensurepip leaves a half one.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit("snadnet needs Python 3.11 or newer; name one with: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

# The build tools come first and pinned, as pip does not apply constraints to an isolated build.
$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Setting up $(VENV) for deblurring (no PyTorch)..."
	@$(PIP_INSTALL) hatchling editables
	@$(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/.development: $(VENV)/.runtime
	@echo "Adding PyTorch and the development tools to $(VENV) (several GB, once)..."
	@$(PIP_INSTALL) --no-build-isolation --editable '.[train,dev]'
	@touch $@
