# Every command that a person or CI runs. Needs make and CPython 3.11 or newer with venv.
.DEFAULT_GOAL := help
.PHONY: help run ask test stress check fix docs dev clean models programs pins bench schemas quality questions chunking measure compare

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OMNI := $(BIN)/omni
DEMO := .omni-demo
STAMP := $(VENV)/.installed
COMPILED := $(VENV)/.compiled
# The one that comes with Python 3.11 takes a minute longer to choose the packages.
PIP := pip==26.3
ROOMS := omni_pipelines assets native resources sensors
# Where this is set, every process of the tests compiles the whole project again.
unexport PYTHONDONTWRITEBYTECODE
# The tests sync files some hundred thousand times: 6 ms each on a disk, nothing in memory. Less than 8 GB there: the default.
MEMORY := $(shell df -k /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 8000000 {print "/dev/shm"}')
# Tests wait in a quarter of their time, for servers, children and sensors: one worker more than there are cores.
WORKERS = $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

$(STAMP): pyproject.toml constraints.txt
	@echo "setting up $(VENV); the first time takes a minute or two"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 …"; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(PIP)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

# pip compiles with one core, and everything; what is left out here is hardly ever imported, and compiled then.
# Templates in packages are no Python. CI checks types meanwhile.
$(COMPILED): $(STAMP)
	@$(BIN)/python -m compileall -qq -j 0 -x '/(tests?|scipy|moto|pip|mypy|mypyc|setuptools|lexers|huggingface_hub|narwhals|onnxruntime|pandera)/' $(VENV)/lib $(ROOMS) || true
	@touch $(COMPILED)

models: $(COMPILED)
	@$(OMNI) model pull

# The questions are asked at the first release: that of a new home comes long before the last passage is embedded.
# An interrupt does not reach what runs in the background, so that waits only as long as this shell runs.
run: models ## set up, index real files, and answer three questions from them
	@STDLIB=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))'); \
	PACKAGES=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	{ until ls $(DEMO)/releases/*.json >/dev/null 2>&1; do kill -0 $$$$ 2>/dev/null || exit 1; sleep 0.2; done; \
		$(MAKE) --no-print-directory ask; } & ASK=$$!; \
	$(OMNI) ingest --home $(DEMO) "$$STDLIB" "$$PACKAGES" --include '/[a-f]*.py' --include '/asyncio/*.py' \
		--include '/dagster*/**/*.md' --include '/numpy/**/*.rst' && wait $$ASK

ask: $(STAMP)
	@for question in "How many results does lru_cache keep by default?" \
			"Where is ExitStack defined?" \
			"How do I run migrations of dagster manually?"; do \
		printf '\n> %s\n' "$$question"; $(OMNI) ask --home $(DEMO) "$$question" || exit 1; \
	done
	@printf '\nYour turn: %s ask --home %s "…", or index your own files: %s ingest PATH\n' $(OMNI) $(DEMO) $(OMNI)

test: models programs ## set up, and run every test that can run on this machine
	@$(OMNI) model pull o200k_base || echo "its tests are skipped"
	@PYTEST_DEBUG_TEMPROOT=$(MEMORY) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0

stress: $(STAMP) ## test with hundreds of kills, disk faults and power cuts; writes docs/explanation/reliability.md
	@OMNI_STRESS=long nice -n 10 $(BIN)/python -m pytest tests/stress tests/unit/text tests/unit/permissions \
		tests/unit/agent/test_context.py tests/integration/agent/test_scripted_tasks.py \
		-n auto --dist worksteal --max-worker-restart 0

check: $(STAMP) ## check format, lint rules, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

measure: $(STAMP) ## measure the shape of the code against its goals: sizes, imports, types, patched names
	@$(BIN)/python -m benchmarks.code_measures

fix: $(STAMP) ## format, and apply the fixes of the linter
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(STAMP) ## write the reference pages that are made from the code
	@$(OMNI) errors --markdown > docs/reference/errors.md
	@$(BIN)/python -m docs.generate

dev: models ## serve the web page, with sensors
	@$(OMNI) dev

bench: models ## run the benchmarks and write docs/benchmarks; with PEERS=1 only docs/performance.md: omni beside others
ifdef PEERS
	@$(BIN)/python -m benchmarks.peers.run --size $(or $(SIZE),small)
else
	@$(BIN)/python -m benchmarks.token_counting
	@$(BIN)/python -m benchmarks.storage
	@$(BIN)/python -m benchmarks.updates
	@$(BIN)/python -m benchmarks.query_cost
	@$(BIN)/python -m benchmarks.commands
	@$(BIN)/python -m benchmarks.small_changes
	@$(BIN)/python -m benchmarks.metadata
	@$(BIN)/python -m benchmarks.load
	@$(BIN)/python -m benchmarks.mcp_server
	@$(BIN)/python -m benchmarks.shared
	@$(BIN)/python -m benchmarks.large_tree
	@$(BIN)/python -m benchmarks.scale
	@$(BIN)/python -m benchmarks.sizing
	@$(BIN)/python -m benchmarks.operations
endif

compare: models ## compare the CPU of this checkout with that of another commit: make compare BASE=main
	@$(BIN)/python -m benchmarks.commits $(BASE)

# Tests use Chromium and PostgreSQL of the system. Without them they are skipped, and pytest prints the reason.
programs:
	@if [ -n "$$CI" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
			&& ! { command -v chromium && ls /usr/lib/postgresql/*/bin/postgres; } >/dev/null 2>&1; then \
		echo "installing chromium and postgresql for the tests"; \
		(apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium postgresql) >/dev/null 2>&1 \
			|| echo "not installed: tests are skipped"; \
	fi

quality: models ## measure search on judged collections: make quality COLLECTIONS=folder
	@$(BIN)/python -m benchmarks.search_quality $$(dirname $(COLLECTIONS)/*/corpus.jsonl)

questions: models ## ask the development half of the question set about the corpora that are on this machine
	@$(BIN)/python -m benchmarks.answer_questions run

chunking: models ## compare chunk modes on a collection with marked answers: make chunking SPANS=folder
	@$(BIN)/python -m benchmarks.chunking $(SPANS)

schemas: $(STAMP) ## write docs/schemas from the shared types
	@$(OMNI) schema --write docs/schemas

pins: $(STAMP) ## write constraints.txt from the installed packages
	@{ head -1 constraints.txt; $(BIN)/python -m pip freeze --exclude-editable; } > constraints.new && mv constraints.new constraints.txt

clean: ## remove the environment and the demo
	rm -rf $(VENV) $(DEMO)
