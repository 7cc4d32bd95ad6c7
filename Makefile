# Everything sets itself up: the first target that needs it makes .venv with what pyproject.toml names.
VENV   := .venv
BIN    := $(VENV)/bin
# The first interpreter that is new enough.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
# What `make serve` serves; for example make serve ARGS="--profile standard --fixture people-100"
ARGS   ?= --profile segment --fixture segment-workspace --token local-only
UNIT   := tests/scim tests/faults $(wildcard tests/test_clock.py tests/test_durations.py tests/test_fixture*.py \
	tests/test_leniencies.py tests/test_people.py tests/test_profiles.py tests/test_segment.py tests/test_tenant.py)

.PHONY: serve demo test check lint audit bench soak fuzz wheel test-wheel test-bare test-interpreters clean

serve: $(VENV)/ready
	@$(BIN)/mockscim serve $(ARGS)

# A mocked Segment, Entra ID's provisioning service, a fault, the log and the judge, on one terminal.
demo: $(VENV)/ready
	@$(BIN)/python -m mockscim.demo

test: $(VENV)/ready
	$(BIN)/python -m pytest -n auto

check: lint
	$(BIN)/python -m pytest -q $(UNIT)

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/bench
	$(BIN)/python -m tests.benchmarks $(ARGS_BENCH)

# Known vulnerabilities of what is installed; exit 3 of .ci/audit: nobody could be asked.
audit: $(VENV)/audit
	$(BIN)/python .ci/audit $(ARGS_AUDIT)

# Looks for inputs that something cannot bear, a minute for each of tests/fuzz; what is new goes into its corpus.
fuzz: $(VENV)/ready
	$(BIN)/python -m tests.fuzz $(or $(ARGS_FUZZ),--minutes 1)

# An hour of mixed traffic with faults on, and whether all is as the clients know it: MOCKSCIM_SOAK_MINUTES=15 for less.
soak: $(VENV)/ready
	$(BIN)/python -m tests.soak $(ARGS_SOAK)

wheel: $(VENV)/ready
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist . >/dev/null

# The suite against the built wheel, in an environment and a folder that have nothing of the checkout's package.
test-wheel: wheel
	.ci/wheel "$(PYTHON)"

# The built wheel beside pytest alone: what a suite that provisions has of it.
test-bare: wheel
	.ci/bare "$(PYTHON)"

# The suite on every other interpreter that this machine has.
test-interpreters:
	.ci/interpreters

$(VENV)/ready: pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "mockscim needs Python 3.11 or newer; name one with make PYTHON=…" >&2; exit 1; }
	@PYTHON="$(PYTHON)" .ci/setup $(VENV)

$(VENV)/bench: $(VENV)/ready pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench >&2
	@touch $@

$(VENV)/audit: $(VENV)/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group audit >&2
	@touch $@

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
