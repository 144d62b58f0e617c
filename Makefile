# Everything runs in .venv, which the first command makes. PYTHON and VENV may be set.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python
INSTALLED = $(VENV)/installed
CONFIG ?= configs/shakespeare.yaml
CUDA ?= 13
VENV_GPU ?= .venv-gpu

.DEFAULT_GOAL := help

.PHONY: help
help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: train
train: $(VENV)/trains  ## install, train on Shakespeare for three minutes, show what was learnt
	$(RUN) train.py $(CONFIG) $(ARGS)

.PHONY: test
test: $(INSTALLED)  ## run the tests (three to four minutes)
	$(RUN) -m pytest -q

.PHONY: test-all
test-all: $(INSTALLED)  ## run the tests, the slow ones too
	$(RUN) -m pytest -q -m ""

# What NumPy dispatches to at run time on this processor, but for these; its baseline stays.
FEATURES_BUT = $$($(RUN) -c "from numpy._core._multiarray_umath import __cpu_dispatch__ as names; \
	from numpy._core._multiarray_umath import __cpu_features__ as here; \
	print(*(name for name in names if here.get(name) and name not in '$(1)'.split()))")
LOWERED = OPENBLAS_CORETYPE=$(1) NUMBA_CPU_NAME=$(2) NUMBA_CPU_FEATURES= \
	NPY_DISABLE_CPU_FEATURES="$(call FEATURES_BUT,$(3))" $(RUN) -m pytest -q

.PHONY: test-lowered
test-lowered: $(INSTALLED)  ## run the tests as if on older processors: with AVX2, then without
	$(call LOWERED,Haswell,haswell,X86_V3 AVX2 FMA3)
	$(call LOWERED,Nehalem,nehalem,)

.PHONY: test-gpu
test-gpu: $(VENV_GPU)/installed  ## on a machine with a GPU: run the tests of the GPU there (CUDA=12 or 13)
	$(VENV_GPU)/bin/python -m pytest -q --device gpu
	$(VENV_GPU)/bin/python -m trainer gpu-check

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
	rm -rf $(VENV) $(VENV_GPU) .mypy_cache .pytest_cache .ruff_cache build *.egg-info

# What training needs; the tools of the tests come on top.
$(VENV)/trains: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --editable ".[fast]"
	@touch $@

$(INSTALLED): $(VENV)/trains
	$(RUN) -m pip install --quiet --editable ".[dev]"
	$(RUN) -m pip install --quiet --editable ".[cuda-on-cpu]" || \
		echo "CuPy cannot be installed here: the tests of the GPU's code will be skipped"
	@touch $@

# An environment of its own: only one CuPy can be installed, and this one comes with all libraries.
$(VENV_GPU)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV_GPU)
	$(VENV_GPU)/bin/python -m pip install --quiet --editable ".[dev,cuda$(CUDA)]"
	@touch $@
