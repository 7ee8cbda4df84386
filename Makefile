# `make demo` and `make test` set up what they need and no more; see CONTRIBUTING.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready
LIBRARIES := src/saddlehop/_support/libraries
# libstdc++ comes first too, or exceptions of libraries in C++ stop the sanitizer
SANITIZED = SADDLEHOP_LEVEL=sanitized ASAN_OPTIONS=detect_leaks=0 \
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libstdc++.so)"
KERNEL_TESTS = tests/limit tests/flow tests/general/test_general_alignment.py tests/general/test_general_walls.py \
	tests/general/test_general_flow.py tests/blocks/test_block_jumps.py tests/sweeps/test_batch.py tests/test_fuzz.py

.PHONY: demo test lint kernels sanitize kernel-coverage wheels docs bench fuzz reliability coverage random lowest clean

demo: $(INSTALLED)
	$(BIN)/saddlehop demo

test: $(READY)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# after a change to a C file; where no compiler is at hand the wheel ziglang brings one
kernels: $(READY)
	$(BIN)/python build_kernels.py --compiler-at-hand || $(BIN)/python -m pip install --quiet ziglang
	$(BIN)/python build_kernels.py

# the tests that call kernels, hostile problems and hostile calls, with gcc's sanitizers
sanitize: $(READY)
	CC=gcc $(BIN)/python build_kernels.py sanitized
	$(SANITIZED) $(BIN)/python -m pytest -q --capture=sys $(KERNEL_TESTS)
	$(SANITIZED) $(BIN)/python tests/reliability.py "hostile problems" "public functions"

# which lines of C the tests run; needs gcc and its gcov
kernel-coverage: $(READY)
	rm -rf $(LIBRARIES)/coverage
	CC=gcc $(BIN)/python build_kernels.py coverage
	SADDLEHOP_LEVEL=coverage $(BIN)/python -m pytest -q $(KERNEL_TESTS)
	cd $(LIBRARIES)/coverage && gcov --no-output *.gcda | grep -A1 "kernels/.*\.c'"

# for Linux, macOS and Windows, from one machine
wheels: $(READY)
	$(BIN)/python -m pip install --quiet hatchling ziglang
	for target in linux-x86_64 linux-arm64 macos-x86_64 macos-arm64 windows-x86_64; do \
		SADDLEHOP_TARGET=$$target $(BIN)/python -m hatchling build -t wheel -d dist || exit 1; \
	done
	$(BIN)/python -m hatchling build -t sdist -d dist

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
	$(BIN)/python -m pytest -q --cov=saddlehop --cov-report=term-missing

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
