# Two commands do everything: `make build`, then `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: build test check lint docs fuzz days engines test-engines conformance side-by-side cost clean

build: $(VENV)/.installed
	$(BIN)/hafnium build --out dist

test: $(VENV)/.installed
	$(MAKE) --jobs=$(JOBS) lint check
	$(BIN)/hafnium test
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

check: $(VENV)/.installed
	$(BIN)/hafnium check

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; set PYTHON=..., $(PYTHON) is older" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

docs: $(VENV)/.installed
	$(BIN)/python -m hafnium.docs
	PYTHONPATH=tests $(BIN)/python -m traps.listing

# Generated rules and events in all engines: make fuzz N=200000 [SEED=1] [TARGETS=splunk]
fuzz: $(VENV)/.installed
	HAFNIUM_FUZZ=$(or $(N),20000) HAFNIUM_FUZZ_SEED=$(or $(SEED),20210303) \
	  HAFNIUM_FUZZ_TARGETS="$(TARGETS)" \
	  $(BIN)/python -m pytest -s tests/test_fuzz.py

# Longer ordinary days, on which no rule may cry: make days N=100000 [SEED=7]
days: $(VENV)/.installed
	HAFNIUM_DAYS=$(or $(N),20000) HAFNIUM_DAYS_SEED=$(or $(SEED),2) \
	  $(BIN)/python -m pytest -n $(JOBS) tests/test_ordinary_days.py

# Engines that are not of Python, into .engines/; what a machine lacks for one is named.
engines: $(VENV)/.installed
	@for install in backends/*/*/install.sh; do sh $$install .engines || exit 1; done

# All rules, samples and traps in the real engines that are installed; renews docs/engines.md.
test-engines: $(VENV)/.installed
	PYTHONPATH=tests $(BIN)/python -m realengines $(ENGINES)

# Public rules and recorded cases: make conformance DATA=<folder with rules.tar.gz>
conformance: $(VENV)/.installed
	PYTHONPATH=tests:benchmarks $(BIN)/python -m conformance $(DATA)

# Stock conversion of the same rules beside ours; writes docs/stock.md: make side-by-side [DATA=...]
side-by-side: $(VENV)/.installed
	PYTHONPATH=tests:benchmarks $(BIN)/python -m stock $(DATA)

# What a query costs beside the stock conversion; writes docs/cost.md: make cost [RUNS=5]
cost: $(VENV)/.installed
	PYTHONPATH=tests:benchmarks $(BIN)/python -m cost \
	  --entries $(or $(ENTRIES),1000000) --runs $(or $(RUNS),5)

clean:
	rm -rf $(VENV) dist build .engines
