# `make demo` and `make test` set up what they need; see CONTRIBUTING.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint docs bench fuzz reliability coverage random clean

demo: $(READY)
	$(BIN)/saddlehop demo

test: $(READY)
	$(BIN)/python -m pytest -q

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

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
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q --cov=saddlehop --cov-report=term-missing

random: $(READY)
	$(BIN)/python -m pytest -q -p randomly

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[all]" --group dev
	touch $(READY)

clean:
	rm -rf $(VENV) build dist saddlehop-demo
