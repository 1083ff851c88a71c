# Each target is one step that .ci/run runs; `make serve` and `make test` work as the first command typed.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
HOST ?= 127.0.0.1
PORT ?= 8080
WORKERS ?= 1
PROCESSES ?= 4
TESTS ?= tests acceptance_tests
OPTIONS ?= default
SEEDS ?= 1 2 3 4 5 6 7 8 9 10
SECONDS ?= 60

# Hundreds of interpreters start in a test run; each would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Say what can be made
	@grep --extended-regexp --no-filename '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed --regexp-extended 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand --tabs=24

.PHONY: setup
setup: ## Create .venv from the lock
	@.ci/system-packages
	@.ci/create-venv

.PHONY: serve
serve: setup ## Run the demo application (no Redis, SQLite)
	@$(BIN)/python -m acceptance_tests.app --host=$(HOST) --port=$(PORT) --workers=$(WORKERS)

.PHONY: test-tools
test-tools:
	@.ci/system-packages redis-server=redis-server redis-sentinel=redis-sentinel initdb=postgresql \
		chromium=chromium curl=curl promtool=prometheus nginx=nginx apache2=apache2-bin systemd-analyze=systemd \
		kubectl=kubernetes-client

.PHONY: test
test: setup test-tools ## Run all tests
	$(BIN)/python .ci/tests.py --numprocesses=$(PROCESSES) --dist=worksteal --cov --cov-report= --cov-fail-under=0 --durations=15 $(TESTS)

.PHONY: test-lowest
test-lowest: setup test-tools ## Run the unit tests with the lowest versions of all dependencies
	.ci/test-lowest --numprocesses=$(PROCESSES) tests/unit

.PHONY: test-valkey
test-valkey: setup test-tools ## Run the tests of Redis against Valkey (VALKEY=its server)
	.ci/test-valkey --numprocesses=$(PROCESSES) tests/integration/cluster tests/integration/auth tests/integration/redis_utils tests/integration/broadcast

.PHONY: coverage
coverage: setup ## Show the branch coverage of the last tests, fail under the limit
	$(BIN)/coverage report

.PHONY: lint
lint: setup ## Check style and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/yamllint --strict .

.PHONY: format
format: setup ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: setup ## Check the types with both checkers, and that all public names have one
	@$(BIN)/mypy & $(BIN)/basedpyright; code=$$?; wait $$! && exit $$code
	@report=$$(PATH=$(CURDIR)/$(BIN):$$PATH basedpyright --verifytypes c2casgiutils --ignoreexternal); code=$$?; \
		[ $$code -eq 0 ] && grep 'completeness score' <<< "$$report" || echo "$$report"; exit $$code

.PHONY: layers
layers: setup ## Check who imports whom
	$(BIN)/lint-imports

.PHONY: settings
settings: setup ## Write what is made of the code: tables, the picture of the layers, dashboard, alerts
	$(BIN)/python .ci/settings_table.py
	$(BIN)/python .ci/endpoints_table.py
	$(BIN)/python .ci/layers_picture.py
	$(BIN)/python .ci/older_variables_table.py
	$(BIN)/python .ci/dashboard.py
	$(BIN)/python .ci/alerts.py

.PHONY: settings-check
settings-check: setup ## Compare that with the code
	$(BIN)/python .ci/settings_table.py --check
	$(BIN)/python .ci/endpoints_table.py --check
	$(BIN)/python .ci/layers_picture.py --check
	$(BIN)/python .ci/older_variables_table.py --check
	$(BIN)/python .ci/dashboard.py --check
	$(BIN)/python .ci/alerts.py --check

.PHONY: public
public: setup ## Accept the changes of the public interface that a test complains about
	$(BIN)/python -m tests.support.public

.PHONY: docs
docs: setup ## Build the documentation into site/, fail on a wrong link or anything loaded from elsewhere
	@# With --quiet no warning is seen, and none fails the strict build.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --config-file=.ci/mkdocs.yml
	@$(BIN)/python -m tests.support.site site

.PHONY: pictures
pictures: setup test-tools ## Take the pictures of the page in docs/images
	$(BIN)/python -m tests.support.pictures

.PHONY: wheel
wheel: setup ## Build the wheel
	rm --recursive --force dist
	$(BIN)/python -m build --no-isolation --outdir dist

.PHONY: test-wheel
test-wheel: wheel test-tools ## Install the wheel elsewhere, each extra too, and run the compatibility tests against it
	$(BIN)/python .ci/distribution.py
	.ci/test-wheel

.PHONY: scaffold
scaffold: wheel test-tools ## Render, install, test and run the scaffold (OPTIONS=all: each combination)
	$(BIN)/python .ci/scaffold.py --options=$(OPTIONS)

.PHONY: bench
bench: setup test-tools ## Run the benchmarks and compare with their goals
	@.ci/system-packages wrk=wrk
	@for benchmark in benchmarks/[a-z]*.py; do echo "== $$benchmark"; $(BIN)/python $$benchmark || failed=1; done; exit $${failed:-0}

.PHONY: soak
soak: setup test-tools ## Run the long forms: random faults (SEEDS, SECONDS), many made-up inputs, many broadcasts
	$(BIN)/python -m tests.soak --seeds $(SEEDS) --seconds $(SECONDS)
	FUZZ_EXAMPLES=10000 $(BIN)/python -m pytest --numprocesses=$(PROCESSES) tests/unit/headers/test_fuzz.py
	$(BIN)/python benchmarks/broadcast.py --long

.PHONY: lock
lock: $(BIN)/uv ## Lock what pyproject.toml asks for, keep the versions (UPGRADE=1: take the newest)
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version=3.11 --all-extras --group=dev $(if $(UPGRADE),--upgrade) pyproject.toml --output-file=requirements.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version=3.11 --all-extras --resolution=lowest-direct pyproject.toml --output-file=requirements.lowest.lock

# Not `setup`, which fails while the lock lacks what pyproject.toml asks for.
$(BIN)/uv:
	@$(MAKE) --no-print-directory setup
