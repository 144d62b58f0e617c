# Everything runs in .venv, which the first command makes. PYTHON and VENV may be set.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python
INSTALLED = $(VENV)/installed
CONFIG ?= configs/shakespeare.yaml

.DEFAULT_GOAL := help

.PHONY: help
help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: train
train: $(VENV)/trains  ## install, train on Shakespeare for three minutes, show what was learnt
	$(RUN) train.py $(CONFIG) $(ARGS)

.PHONY: test
test: $(INSTALLED)  ## run the tests (one to two minutes)
	$(RUN) -m pytest -q

.PHONY: test-all
test-all: $(INSTALLED)  ## run the tests, the slow ones too
	$(RUN) -m pytest -q -m ""

.PHONY: check
check: $(INSTALLED)  ## check style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

.PHONY: tensorboard
tensorboard: $(VENV)/trains  ## show all runs in TensorBoard
	$(VENV)/bin/tensorboard --logdir runs

.PHONY: clean
clean:  ## remove the environment and all caches; runs and data stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build *.egg-info

# What training needs; the tools of the tests come on top.
$(VENV)/trains: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --editable ".[fast]"
	@touch $@

$(INSTALLED): $(VENV)/trains
	$(RUN) -m pip install --quiet --editable ".[dev]"
	@touch $@
