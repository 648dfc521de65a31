# What a person can ask of a checkout. Each target makes or refreshes the environment it needs.
#
#   make demo     a demo clinic at http://127.0.0.1:8000   (PORT=, DATA_DIR=, SIMULATE=0)
#   make test     every test, on embedded servers and a real browser   (TESTS="tests/care -k plan")
#   make bench    every measurement beside its peers, one table   (BENCH="w1 w5", MESSAGES=100)
#   make gate     seed bugs into a copy: does the suite find each?   (BUGS="fence clock", GATE_JOBS=2)
#   make soak     everything goes wrong for long   (MINUTES=60, SEED=, ROUND=, FAULTS=, PAUSE=, OLD=)
#                 or so many critical alerts meanwhile   (ALERTS=100000)
#   make simulate the engine's code in worlds of virtual time   (SEEDS=10000, FIRST=, WORLD=4711)
#   make check    lint, types, import contracts, templates, missing migrations
#   make reset    forget the demo data   (DATA_DIR=)
#   make lock     compile both lock files again after a change of dependencies

PYTHON ?= python3
TESTS ?= tests
# With MESSAGES alone: only from a commit to the other person's open page, so many messages.
BENCH ?= $(if $(MESSAGES),dom)
BUGS ?=
MINUTES ?= 60
ALERTS ?=
SEED ?= $(shell date -u +%F)
SEEDS ?= 1000
FIRST ?= 0
RUN := .venv/bin/python

# Given to `make` or found in the environment, they reach the commands below.
export PORT DATA_DIR SIMULATE MESSAGES
# Everything here is many processes of the same code: each would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test gate bench soak simulate check reset lock
.NOTPARALLEL:

demo:
	@$(PYTHON) bin/bootstrap runtime
	@exec $(RUN) manage.py demo

reset:
	@$(PYTHON) bin/bootstrap runtime
	@$(RUN) manage.py demo --forget

test:
	@$(PYTHON) bin/bootstrap
	@$(RUN) bin/chromium
	@$(RUN) -m pytest -n 3 --dist worksteal $(TESTS)

gate:
	@$(PYTHON) bin/bootstrap
	@$(RUN) bin/chromium
	@$(RUN) bin/gate $(BUGS)

bench:
	@$(PYTHON) bin/bootstrap
	@$(RUN) bin/chromium
	@$(RUN) -m benchmarks $(BENCH)

soak:
	@$(PYTHON) bin/bootstrap
	@$(RUN) -m $(if $(ALERTS),tests.faults.ward.soak --alerts $(ALERTS),tests.faults.soak --minutes $(MINUTES)) --seed $(SEED) \
		$(if $(ROUND),--round $(ROUND)) $(if $(FAULTS),--faults "$(FAULTS)") \
		$(if $(PAUSE),--pause $(PAUSE)) $(if $(OLD),--old $(OLD))

simulate:
	@$(PYTHON) bin/bootstrap
	@$(RUN) -m tests.realtime.simulation --seeds $(SEEDS) --first $(FIRST) $(if $(WORLD),--seed $(WORLD))

check:
	@$(PYTHON) bin/bootstrap
	@$(RUN) bin/check

LOCK := .venv/bin/uv --quiet pip compile --universal --generate-hashes --python-version 3.11 \
	--no-header --no-emit-index-url --no-emit-find-links pyproject.toml

lock:
	@$(PYTHON) bin/bootstrap
	$(LOCK) --all-extras --output-file requirements.lock
	$(LOCK) --constraint requirements.lock --output-file requirements-runtime.lock
