# Everything a checkout needs: `make demo` (the light core), `make test` (all else). PYTHON names the Python 3.11+ that .venv is made with.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
CORE := $(VENV)/.core
READY := $(VENV)/.ready
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e

.PHONY: demo test slow browser docs kernels torture gpu bench lint venv clean

demo: $(CORE)
	$(BIN)/eyeline demo

# A file's tests stay together; each worker has one thread, as more would wait for one another.
BESIDE := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test: lint
	$(BESIDE)

slow: $(READY)
	$(BESIDE) -m slow

# The page of `eyeline view` in Chromium, which the system's package manager installs where it can.
browser: $(READY)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	  || { [ `id -u` = 0 ] && command -v apt-get >/dev/null \
	    && apt-get update -qq && apt-get install -y -qq chromium; } \
	  || echo "Chromium is missing and cannot be installed here: its tests are skipped." >&2
	$(INSTALL) '.[browser]'
	$(BIN)/python -m pytest -m browser

# The site, build/site/index.html; notebooks are executed, a lost link or a warning is an error.
docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	OMP_NUM_THREADS=1 NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

kernels: $(READY)
	$(BIN)/python -m torture kernels

torture: $(READY)
	$(BIN)/python -m torture

gpu: $(READY)
	$(BIN)/python -m pytest -m gpu

bench: $(READY)
	$(BIN)/python -m benchmarks

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

venv: $(READY)

$(CORE): pyproject.toml constraints.txt hatch_build.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "eyeline needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version`." \
	    "Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) .
	touch $@

$(READY): $(CORE)
	$(INSTALL) '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
