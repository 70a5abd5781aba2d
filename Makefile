# make demo       build BareFlow, add a bitcode module, inspect the image, boot it
# make test       all checks and tests
# make test-long  the same with more random cases: make test-long EXAMPLES=2000 MUTANTS=1000000; of the kernel's
#                 compiler PROGRAMS on this machine, TARGET_MUTANTS on the booted one
# make bench      speeds, as ratios to other programs in one run
# make bench-jit  the figures of docs/jit-levels.md
#
# Each sets up what it needs: a virtual environment in .venv, and the Debian packages that are missing when run
# as root or with sudo; otherwise it names them.

PYTHON ?= python3
EXAMPLES ?= 500
PROGRAMS ?= 2000
MUTANTS ?= 100000
TARGET_MUTANTS ?= 2000
BIN := .venv/bin
SHELL := /bin/bash

.PHONY: demo test test-long lint bench bench-jit docs samples sources setup setup-test clean

demo: setup
	$(BIN)/bfimg build -o disk.img
	$(BIN)/bfimg add-module -i disk.img samples/sha256.bc
	$(BIN)/bfimg inspect disk.img
	$(BIN)/bfimg boot disk.img --expect 'SHA256.BC'

test: lint sources
	$(BIN)/pytest -q -n 2 --cov --cov-report=
	$(BIN)/coverage report --include='formats/*' --fail-under=100
	$(BIN)/coverage report --include='bfimg/*' --fail-under=95

test-long: lint sources
	BFIMG_TEST_EXAMPLES=$(EXAMPLES) BFIMG_TEST_PROGRAMS=$(PROGRAMS) BFIMG_TEST_MUTANTS=$(MUTANTS) \
	    BFIMG_TEST_TARGET_MUTANTS=$(TARGET_MUTANTS) $(BIN)/pytest -q -n 2

# mypy sees the tree as it is installed: everything below the one name bfimg.
lint: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build/typed && mkdir -p build/typed/bfimg
	ln -s $(CURDIR)/bfimg/* build/typed/bfimg/ && ln -s $(CURDIR)/formats build/typed/bfimg/formats
	cd build/typed && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml -p bfimg

bench: setup-test
	$(BIN)/python tests/benchmarks/start.py
	$(BIN)/python tests/benchmarks/surgery.py
	$(BIN)/python tests/benchmarks/kernel.py
	$(BIN)/python tests/benchmarks/jit.py

bench-jit: setup-test
	$(BIN)/python tests/benchmarks/jit.py --write docs/jit-levels.md

docs: setup
	$(BIN)/bfimg formats doc > docs/formats.md
	$(BIN)/bfimg formats ops > docs/pattern-programs.md
	$(BIN)/bfimg formats svg > docs/disk-layout.svg

samples: setup
	$(BIN)/python samples/make_samples.py

# Debian source packages whose code the tests lower.
sources: setup-test
	$(BIN)/python tests/differential/sources.py build/sources

setup: .venv/base
	@$(call packages,boot)

setup-test: .venv/dev
	@$(call packages,test)

.venv/base: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(call install,python3-venv); }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 -e '.[llvm]'
	touch $@

.venv/dev: .venv/base
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 -e '.[dev]'
	touch $@

# $(call packages,LEVEL): the Debian packages of the tools that LEVEL needs and that are missing.
packages = missing=$$($(BIN)/bfimg doctor --packages --for $(1)); \
    if [ -n "$$missing" ]; then $(call install,$$missing); fi

# $(call install,NAMES): with root or sudo, else say what to do.
install = echo "installing: "$(1); \
    if [ "$$(id -u)" = 0 ]; then root=; elif sudo -n true 2>/dev/null; then root="sudo -n"; else \
    echo "missing packages, install them as root: apt-get install "$(1) >&2; exit 1; fi; \
    $$root apt-get -qq update && \
    $$root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(1) >/dev/null

clean:
	rm -rf build disk.img .venv
