# A fresh machine needs python3 (3.11 or newer, with venv and pip) and make; the rest is set up here.

PYTHON ?= python3
VENV ?= .venv

BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-page lint docs wheel hooks clean

help:
	@echo "make demo   shake seven sharp photos, deblur them, and leave before/after images in demo_output/"
	@echo "make test   set up everything, then lint, types, layers, docs and tests"
	@echo "make test-page  test the page of snadnet serve in Chromium; installs it by apt-get, which needs root"
	@echo "make lint   the same without the tests"
	@echo "make docs   build the documentation into site/; a link that does not resolve is an error"
	@echo "make wheel  build the package into dist/"
	@echo "make hooks  run the checks of .pre-commit-config.yaml at each commit"
	@echo "make clean  remove the environment, the caches and everything built"

demo: $(VENV)/.runtime
	@SNADNET=$(BIN)/snadnet sh examples/demo.sh

# A file stays in one process, as its tests share what takes long to make.
test: lint
	$(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile --ignore tests/server/test_page.py
	@echo "make test: all checks passed."

# Debian's packages, as a browser and its driver must be of one version.
test-page: $(VENV)/.development
	@{ command -v chromium && command -v chromedriver; } >/dev/null || \
		{ apt-get update -qq && apt-get install -qq --no-install-recommends chromium chromium-driver; }
	$(BIN)/pytest tests/server/test_page.py

lint: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory docs

# NO_MKDOCS_2_WARNING: the theme's advertisement of its successor, which is not about these pages.
docs: $(VENV)/.development
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean

wheel: $(VENV)/.development
	$(BIN)/python -m build --no-isolation --outdir dist

hooks: $(VENV)/.development
	$(BIN)/pre-commit install

clean:
	rm -rf $(VENV) demo_output dist site .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# pip, not the interpreter, is the sign of a whole environment: python3 without ensurepip leaves a half one.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit("snadnet needs Python 3.11 or newer; name one with: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

# The build tools come first and pinned, as pip does not apply constraints to an isolated build.
$(VENV)/.runtime: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Setting up $(VENV) for deblurring (no PyTorch)..."
	@$(PIP_INSTALL) hatchling hatch-fancy-pypi-readme editables
	@$(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@

# setuptools builds what comes without a wheel; the one that lies in a new environment may be too old to do it alone.
$(VENV)/.development: $(VENV)/.runtime
	@echo "Adding PyTorch and the development tools to $(VENV) (several GB, once)..."
	@$(PIP_INSTALL) setuptools
	@$(PIP_INSTALL) --no-build-isolation --editable '.[train,server,fid,identity,kernel-distance,video,openvino,cluster,heic,dev]'
	@touch $@
