# Everything on a fresh machine: `make demo` and `make test`.
#
#   PYTHON       the interpreter to make the environment with
#   TORCH_INDEX  where to look for torch first; https://download.pytorch.org/whl/cpu saves
#                gigabytes on a machine without an NVIDIA GPU
#   FUZZ         options of `make fuzz`, for example --seed 7

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=
FUZZ ?=

RUN := . $(VENV)/bin/activate &&
STAMP := $(VENV)/.installed

.PHONY: demo test lint docs fuzz constraints clean
.DEFAULT_GOAL := test

demo: $(STAMP)
	$(RUN) lsd_ros demo

# Nodes that run in real time come one after the other; all other files go to a process for each core.
test: lint
	$(RUN) pytest -n auto --dist loadfile -m 'not live'
	$(RUN) pytest -m live

lint: $(STAMP)
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy lsd_ros

docs: $(STAMP)
	$(RUN) NO_MKDOCS_2_WARNING=1 mkdocs build --quiet

fuzz: $(STAMP)
	$(RUN) python test/fuzz/run.py $(FUZZ)

constraints: $(STAMP)
	$(RUN) .ci/pin > constraints-all.txt

$(STAMP): setup.py setup.cfg constraints.txt constraints-all.txt .ci/make_venv
	PYTHON='$(PYTHON)' TORCH_INDEX='$(TORCH_INDEX)' .ci/make_venv $(VENV)
	touch $@

clean:
	rm -rf $(VENV) build install log *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find lsd_ros test -name __pycache__ -prune -exec rm -rf {} +
