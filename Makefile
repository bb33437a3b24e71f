# Sequin Admin. `make run` and `make test` need only Python 3.11, pip and make.

# The target of a failed recipe is deleted, so that the next run makes it again.
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?= 8000
SIMULATOR_PORT ?= 8001
# Processes of the test run: two a core, as a test often waits for the processes that it started.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

BIN := .venv/bin
CSS := static/css/app.build.css
# Files with class names for the style sheet.
STYLED := $(shell find templates sequin_admin/dashboard -name '*.html' -o -name '*.py')

.PHONY: setup run test test-fast test-faults drills check bench screenshots lock sbom engine

ENGINE ?=

setup: .venv/.runtime $(BIN)/sequin-admin $(CSS) .env

# Exported here rather than in a shell command, so that a signal to make reaches the process.
run: export PORT := $(PORT)
run: export SIMULATOR_PORT := $(SIMULATOR_PORT)
# With ENGINE=1 the demo's syncs are carried out, with dlt, into a PostgreSQL of the demo.
run: export ENGINE := $(ENGINE)
# Five processes import the same modules, which pip left for the first of them to compile.
run: export PYTHONDONTWRITEBYTECODE :=
run: setup $(if $(ENGINE),.venv-engine/.engine)
	@$(BIN)/python manage.py up

test: setup .venv/.dev
	@$(BIN)/python -m tests.run_legs -n $(WORKERS)

# While you work: SQLite, no browser, in under 3 minutes.
test-fast: setup .venv/.dev
	@$(BIN)/python -m tests.run_legs --fast -n $(WORKERS)

# What is slow by nature: every order of concurrent actors, killed processes, real SDKs, limits in real time.
test-faults: setup .venv/.dev engine
	@$(BIN)/python -m tests.run_legs --faults -n $(WORKERS)

# The full forms of test-faults, which take an hour: three preemptions, hundreds of examples, long chaos.
drills: setup .venv/.dev engine
	@$(BIN)/python -m tests.run_legs --drills -n $(WORKERS)

check: setup .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/python manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=sequin_admin.simulator.settings $(BIN)/python manage.py makemigrations --check --dry-run
	DEBUG=False PUBLIC_URL=https://admin.example.com BEHIND_TLS_PROXY=True TRUSTED_PROXIES=1 $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(BIN)/python manage.py provider_facts

bench: setup .venv/.dev engine
	@$(BIN)/python manage.py bench
	@$(BIN)/python -m tests.postgres manage.py bench --engine
	@$(BIN)/python manage.py bench --permits
	@$(BIN)/python -m tests.postgres manage.py bench --pages
	@$(BIN)/python -m tests.postgres manage.py bench --token-read
	@$(BIN)/python -m tests.postgres manage.py bench --api
	@$(BIN)/python manage.py bench --simulator
	@$(BIN)/python -m tests.postgres manage.py bench --run-claims --processes

# The README's pictures, in static/screenshots, from a demo of its own.
screenshots: setup .venv/.dev
	@$(BIN)/python -m sequin_admin.tools.screenshots

lock: .venv/.dev
	for name in runtime simulator dev engine airbyte; do \
	  $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --python-version 3.11 \
	    requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

# What the image installs, as CycloneDX, in build/: names, versions and hashes of the lock.
sbom: setup .venv/.dev
	@mkdir -p build
	@$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o build/sbom.cdx.json requirements/runtime.txt

.venv/.runtime: requirements/runtime.txt requirements/simulator.txt
	@echo "Installing the runtime requirements..."
	@$(PYTHON) -c 'import sys; sys.exit("Sequin Admin needs Python 3.11 or newer: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements/runtime.txt -r requirements/simulator.txt
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.runtime
	@echo "Installing the development requirements..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# Engines have requirements of their own, which what serves does not need. Their tests say what is
# left out without them.
engine: .venv/.dev
	@$(MAKE) --no-print-directory .venv-engine/.engine || echo "The engine requirements could not be installed."
	@$(MAKE) --no-print-directory .venv-airbyte/.done || echo "Airbyte's CDK could not be installed."

.venv-engine/.engine: requirements/engine.txt
	@echo "Installing the engine requirements..."
	@test -x .venv-engine/bin/pip || $(PYTHON) -m venv .venv-engine
	@.venv-engine/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/engine.txt
	@touch $@

# Airbyte's CDK apart from the server: its lock has 80 packages that the server does not need.
.venv-airbyte/.done: requirements/airbyte.txt | .venv/.dev
	@echo "Installing Airbyte's CDK for its tests..."
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-airbyte
	@$(BIN)/uv pip install --quiet --python .venv-airbyte/bin/python --require-hashes -r requirements/airbyte.txt
	@touch $@

$(BIN)/sequin-admin: | .venv/.runtime
	@ln -s ../../sequin_admin/command_line/sequin-admin $@

$(CSS): static/css/app.css $(STYLED) | .venv/.runtime
	@echo "Building the style sheet..."
	@$(BIN)/tailwindcss -i static/css/app.css -o $@ --minify 2>.venv/tailwind.log || (cat .venv/tailwind.log; exit 1)
	@touch $@

.env: | .venv/.runtime
	@echo "Making keys for this machine in .env..."
	@umask 077; $(BIN)/python -m sequin_admin.core.new_env > $@
