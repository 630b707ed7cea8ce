# Every target sets up what it needs: a fresh clone and `make demo` is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test test-backends test-browser quick lab lint clean

$(VENV): $(VENV)/ready

$(VENV)/ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable .
	touch $@

demo: $(VENV)/ready
	$(BIN)/python -m data_prep.demo

# One process per core, up to four, because each holds TensorFlow; a file stays in one
# process, which makes its fixtures once.
PYTEST := $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

# JAX is small, and the engine for several processes.
$(VENV)/jax: $(VENV)/ready
	$(BIN)/pip install --quiet --editable '.[jax]'
	touch $@

test: $(VENV)/jax
	$(PYTEST)

# The same with torch, for the tests that depend on the backend. The usual wheel of torch
# brings gigabytes of CUDA on Linux, so this is not part of `make test`; a torch that is
# installed already is kept.
test-backends: $(VENV)/jax
	$(BIN)/pip install --quiet --editable '.[backends]'
	$(BIN)/pytest tests/test_backends.py

# The lessons in a real browser; chromium and chromedriver come from the system
# (Debian: apt-get install chromium chromium-driver). Screenshots: build/browser.
$(VENV)/browser: $(VENV)/ready
	$(BIN)/pip install --quiet --editable '.[browser]'
	touch $@

test-browser: $(VENV)/browser
	$(BIN)/pytest -s tests/browser

quick: $(VENV)/ready
	$(PYTEST) -m "not slow"

lab: $(VENV)/ready
	$(BIN)/jupyter lab notebooks

lint: $(VENV)/ready
	$(BIN)/ruff check .

clean:
	rm -rf $(VENV) build notebooks/build demo .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
