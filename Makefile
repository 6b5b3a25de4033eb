# Two commands do everything: `make demo` and `make test`. Each sets itself up from the lock file and
# needs only Python 3.11 or newer with pip.

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .boot/bin/uv
SYNC := $(UV) sync --frozen --quiet --no-python-downloads --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
BIN := .venv/bin

.PHONY: demo test check unit conformance bench clean

demo: .venv/.demo
	$(BIN)/bedrock-support demo

test: check unit conformance

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

unit: .venv/.dev
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --ignore=tests/conformance
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

conformance: .venv/.dev
	$(BIN)/pytest tests/conformance

bench: .venv/.dev
	$(BIN)/python -m benchmarks.cold_start
	$(BIN)/python -m benchmarks.direct_call
	$(BIN)/python -m benchmarks.triage_log

clean:
	rm -rf .venv .boot .cache

$(UV):
	$(PYTHON) -m pip install --quiet --target .boot "uv==$(UV_VERSION)"

# --system-certs: for networks whose certificates only the system's store knows.
# --inexact: a demo after a test must not take the development tools away again.
.venv/.demo: pyproject.toml uv.lock | $(UV)
	$(SYNC) --no-dev --inexact || $(SYNC) --no-dev --inexact --system-certs
	@touch $@

.venv/.dev: pyproject.toml uv.lock | $(UV)
	$(SYNC) || $(SYNC) --system-certs
	@touch $@
