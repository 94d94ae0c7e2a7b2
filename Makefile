# The front door. `make` alone prints the targets.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help demo demo-kill test setup serve check docs image notebook screenshots bench bench-full lock clean

help:  ## print this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

demo: $(VENV)/.run  ## a made fleet, a report over HTTP, in under a minute
	@$(BIN)/python scripts/demo.py

test: $(VENV)/.dev  ## all tests
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

setup: $(VENV)/.dev  ## everything for development, .venv/bin/storewatch among it

demo-kill: $(VENV)/.run  ## the worker killed in mid-report, and the report arriving all the same
	@$(BIN)/python scripts/demo_kill.py

serve: $(VENV)/.run  ## the service on port 8000, API docs at /docs
	STOREWATCH_HOME=$${STOREWATCH_HOME:-demo-data} $(BIN)/storewatch serve

check: $(VENV)/.dev  ## format, lint, types, import rule
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

chaos: $(VENV)/.dev  ## outages of ten minutes and random pairs: make chaos ROUNDS=10 SEED=1 MINUTES=120
	PYTHONPATH=tests $(BIN)/python scripts/chaos.py --rounds $(or $(ROUNDS),10) --minutes $(or $(MINUTES),120) $(if $(SEED),--seed $(SEED))

docs: $(VENV)/.dev  ## the docs as a site, strictly, in build/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

image: $(VENV)/.run  ## the image, built without a registry, and a report made from it; root, podman, mmdebstrap
	@$(BIN)/python scripts/check_image.py

notebook: $(VENV)/.dev  ## run sample_data/store_monitoring.ipynb again and keep its outputs
	$(BIN)/python scripts/make_notebook.py

screenshots: $(VENV)/.dev  ## pictures of the pages
	$(BIN)/python scripts/screenshots.py

BENCH := compare_rules kernel hours report_files beyond load service explain stack pages
BENCH_FULL := "growth stores" "growth csv" "growth polls" "growth history" "growth loads" engines queued
define benchmarks
for it in $(1); do $(BIN)/python -m benchmarks.$$it || exit 1; done
$(BIN)/python -m benchmarks.page
endef

bench: $(VENV)/.dev  ## figures of the README and of docs/explanation/performance.md, in five minutes
	$(call benchmarks,$(BENCH))

bench-full: $(VENV)/.dev  ## all of them, to a million stores; an hour
	$(call benchmarks,$(BENCH) $(BENCH_FULL))

lock: $(VENV)/.dev  ## compile requirements*.txt from pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra ray -c requirements-dev.txt pyproject.toml -o requirements-ray.txt

clean:  ## remove what make made
	rm -rf $(VENV) dist build

$(VENV)/.made:
	@echo "making $(VENV) with the run-time dependencies of requirements.txt"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "storewatch needs Python 3.11 or later: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements.txt pyproject.toml
	@$(BIN)/python -m pip install -q --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install -q --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@echo "adding what the tests and checks need"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements-dev.txt
	@touch $@
