# Everything a checkout needs: `make demo`, `make test`. PYTHON names the Python 3.11+ that .venv is made with.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test slow kernels torture gpu bench lint venv clean

demo: $(READY)
	$(BIN)/eyeline demo

# A file's tests stay together; each worker has one thread, as more would wait for one another.
BESIDE := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test: lint
	$(BESIDE)

slow: $(READY)
	$(BESIDE) -m slow

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

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "eyeline needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version`." \
	    "Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
