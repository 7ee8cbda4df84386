# `make demo` and `make test` set up what they need and no more; see CONTRIBUTING.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready

.PHONY: demo test lint kernels docs bench fuzz reliability coverage random lowest clean

demo: $(INSTALLED)
	$(BIN)/saddlehop demo

test: $(READY)
	$(BIN)/python -m pytest -q

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# after a change to a C file; where no compiler is at hand the wheel ziglang brings one
kernels: $(READY)
	$(BIN)/python build_kernels.py --compiler-at-hand || $(BIN)/python -m pip install --quiet ziglang
	$(BIN)/python build_kernels.py

docs: $(READY)
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/sphinx-build -W --keep-going -q -b html docs/site docs/site/_build

bench: $(READY)
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	$(BIN)/python benches/run.py

fuzz: $(READY)
	$(BIN)/python tests/reliability.py "damaged files" "hostile problems"

reliability: $(READY)
	$(BIN)/python tests/reliability.py

coverage: $(READY)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -W ignore::RuntimeWarning --cov=saddlehop --cov-report=term-missing

random: $(READY)
	$(BIN)/python -m pip install --quiet pytest-randomly
	$(BIN)/python -m pytest -q -o addopts="-p no:dash --strict-markers"

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $(INSTALLED)

# extras and tools for developers on top of it
$(READY): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[all]" --group dev
	touch $(READY)

# the oldest versions that pyproject.toml allows; torch, whose old builds are large, is left out
lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv-lowest/bin/python tests/lowest_versions.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet --requirement .venv-lowest/lowest.txt --editable . pytest hypothesis mpmath
	.venv-lowest/bin/python -m pytest -q -p no:cacheprovider -W "ignore::DeprecationWarning" -W "ignore::FutureWarning"

clean:
	rm -rf $(VENV) .venv-lowest build dist saddlehop-demo
