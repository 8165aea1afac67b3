# `make help` lists what there is. Each target sets up what it needs first; a second set-up only looks at its stamp.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint up soak bench lock

VIDEO ?=
OUT ?= demo
CLIPS ?=
CAPTIONS ?=
TALK ?=
ONLY ?=
SECONDS ?= 120

BIN := .venv/bin
DEMO := --out "$(OUT)" --seconds $(SECONDS) $(if $(VIDEO),--video "$(VIDEO)") $(if $(CLIPS),--clips $(CLIPS)) $(if $(CAPTIONS),--captions "$(CAPTIONS)")

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## .venv from the lock, the Temporal server, the S3 gateway
	@scripts/setup.sh

demo: setup ## a recording becomes clips: VIDEO= OUT=demo CLIPS= CAPTIONS= SECONDS=120
	$(BIN)/cutroom demo $(DEMO)

up: setup ## the stack, kept running until Ctrl-C
	$(BIN)/cutroom up

test: lint ## lint, types, import rules, every test
	@scripts/prometheus.sh > /dev/null
	@scripts/nginx.sh > /dev/null
	$(BIN)/pytest

lint: setup ## lint, types and import rules alone
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

soak: setup ## the long fault and load runs
	$(BIN)/pytest -m soak
	CUTROOM_LEDGER_SEQUENCES=10000 $(BIN)/pytest tests/money/test_ledger_sequences.py

bench: setup ## speed and quality beside the machine's limit and other tools: SECONDS=600 TALK= ONLY=, half an hour or more
	$(BIN)/python -m bench $(if $(filter command line,$(origin SECONDS)),--seconds $(SECONDS)) $(if $(TALK),--talk "$(TALK)") $(if $(ONLY),--only $(ONLY))

lock: setup ## resolves requirements.lock anew
	scripts/lock.sh
