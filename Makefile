# Everything runs from .venv, which holds exactly what requirements.lock names.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
DECLARED := import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
	print(*p["project"]["dependencies"], *p["dependency-groups"]["dev"], sep="\n")

.PHONY: help setup demo test check protos bench faults sim soak lock clean

help:  ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(INSTALLED)  ## Install everything into .venv (again only when the lock changed)

demo: setup  ## Watch a reply travel from the browser to a session and back
	@$(BIN)/pointsman demo

test: setup  ## Run all tests
	@$(BIN)/python -m tests.fakes.claude_program
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 6 --dist loadfile --no-loadscope-reorder

check: setup  ## Everything that must hold before a change goes in
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python protos/generate.py --check
	$(BIN)/buf lint protos
	$(MAKE) test

protos: setup  ## Renew the Python generated from protos/
	$(BIN)/python protos/generate.py

bench: setup  ## Measure the chain against its floor in the same run
	$(BIN)/python -m tests.bench

faults: setup  ## Break everything that can be broken and judge what became of every command (MINUTES=60 SEED=7)
	$(BIN)/python -m tests.faults $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(FAULTS)

sim: setup  ## Simulate the delivery: SEEDS=10000 small worlds, about ten minutes on two cores
	$(BIN)/python -m tests.sim --seeds $(or $(SEEDS),10000)

soak: setup  ## Write to people, and let them reply, for ten minutes within Telegram's limits (SEED=1 SPEED=4)
	$(BIN)/python -m tests.soak $(if $(SEED),--seed $(SEED)) $(if $(SPEED),--speed $(SPEED))

lock: setup  ## Renew requirements.lock from pyproject.toml (keeps what still fits; UPGRADE=1 takes the newest)
	$(BIN)/python -c '$(DECLARED)' | CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --allow-unsafe \
		--generate-hashes --no-annotate --no-emit-options --strip-extras $(if $(UPGRADE),--upgrade) \
		--output-file requirements.lock -

clean:  ## Remove .venv and everything else that can be made again
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=…")'
	@echo "Installing into .venv (once; about a minute)"
	@$(PYTHON) -m venv .venv || { echo "On Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
