# `make table1` and `make test` each set up everything they need in .venv first.
# PYTHON=/path/to/python: use that Python 3.11's own torch instead of installing one.
# PRESET=quick: overlay workflow/presets/quick.yaml on params.yaml.
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
ifdef PYTHON
SETUP := $(PYTHON) tools/environment.py --reuse-torch
else
SETUP := python3.11 tools/environment.py
endif

.PHONY: table1 test bench environment

table1: environment
	snakemake all --cores $(CORES) $(if $(PRESET),--config preset=$(PRESET))
	@cat results/tables/table1.md

test: environment
	ruff check
	ruff format --check
	mypy
	pytest -n $(CORES) --dist loadfile

bench: environment
	python benchmarks/run.py

environment:
	@$(SETUP)
