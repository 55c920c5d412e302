# `make quickstart` and `make test` need Python >= 3.11, git, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One thread each: threads of several torch processes on few cores wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

.PHONY: quickstart test test-slow test-gpu lint format docs clean

$(STAMP): setup.py pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@# opencv needs libGL, which servers lack; its headless build does not.
	@$(BIN)/python -c 'import cv2' 2>/dev/null || { \
	  echo 'replacing opencv-python by opencv-python-headless (no libGL on this machine)'; \
	  $(BIN)/python -m pip uninstall --quiet -y opencv-python; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check opencv-python-headless; }
	$(BIN)/python tools/doctor.py
	touch $(STAMP)

quickstart: $(STAMP)
	$(BIN)/python tools/quickstart.py

test: lint
	$(PYTEST) -m 'not slow and not gpu'

test-gpu: $(STAMP)
	$(PYTEST) -m gpu

test-slow: $(STAMP)
	$(PYTEST) -m slow

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/interrogate --quiet ddmi_toolkit
	$(BIN)/codespell --skip docs/_build ddmi_toolkit configs tools projects docs README.md CONTRIBUTING.md CHANGELOG.md

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf build dist *.egg-info docs/_build
