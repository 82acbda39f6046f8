# `make run` and `make test` set up everything they need. `make help` lists the rest.
STUDY ?= us-iran-2026
OUT   ?= runs/$(notdir $(STUDY))-$(shell date -u +%Y%m%dT%H%M%SZ)
ARGS  ?=

BIN   := .venv/bin
READY := .venv/.stamp-dev

# Compiled code is kept in the project, unless you keep it elsewhere; so are Python's .pyc files.
export PYTENSOR_FLAGS  ?= base_compiledir=$(CURDIR)/.cache/pytensor
export NUMBA_CACHE_DIR ?= $(CURDIR)/.cache/numba
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint bench notebooks docs pool card lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(READY): requirements/dev.txt requirements/tools.txt pyproject.toml .python-version scripts/bootstrap scripts/uv
	@scripts/bootstrap
	@touch $@

run: $(READY) ## the main job: check, sample, forecast, report (STUDY=..., OUT=..., ARGS=...)
	@$(BIN)/beliefs run $(STUDY) --out $(OUT) $(ARGS)

test: lint ## lint, type check, and the fast tests (ARGS=... goes to pytest)
	@$(BIN)/pytest -n 2 $(ARGS)

test-all: lint ## the same with the slow and the statistical tests
	@$(BIN)/pytest -n 2 -m '' $(ARGS)

lint: $(READY) ## style and types
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo 'To fix: $(BIN)/ruff format'; exit 1; }
	@$(BIN)/mypy --no-error-summary

bench: $(READY) ## run every benchmark and write benchmarks/README.md
	@$(BIN)/python benchmarks/report.py

notebooks: $(READY) ## bring each notebook and its .py together, then execute it in place
	@$(BIN)/python scripts/notebooks.py

docs: $(READY) ## build the documentation site into docs/_build (warnings are errors)
	@rm -rf docs/_build docs/notebooks docs/generated && mkdir docs/notebooks && cp notebooks/*.ipynb docs/notebooks
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_build

pool: $(READY) ## sample the pooled base rates anew, into data/pooled (ARGS=...)
	@$(BIN)/python scripts/pool_base_rates.py $(ARGS)

card: $(READY) ## write docs/MODEL_CARD.md (ARGS='--backtests RUN ... --calibrations RUN ...' brings new runs)
	@$(BIN)/python scripts/model_card.py $(ARGS)

lock: PIN := scripts/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url $(ARGS)
lock: ## resolve the pins anew (ARGS=--upgrade takes the newest versions)
	@$(PIN) pyproject.toml --extra dev --extra notebooks --extra docs -o requirements/dev.txt
	@$(PIN) pyproject.toml -c requirements/dev.txt -o requirements/runtime.txt
	@$(PIN) pyproject.toml --extra benchmarks -c requirements/dev.txt -o requirements/benchmarks.txt
	@$(PIN) requirements/tools.in -o requirements/tools.txt

clean: ## remove the environment, the tools and all caches; runs/ stays
	@rm -rf .venv .tools .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
