# Everything runs from .venv, which holds exactly what requirements.lock and, for developers, requirements-dev.lock name.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help setup demo test check protos bench faults sim soak fuzz lock clean

help:  ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/.runtime  ## Install what Pointsman needs into .venv (again only when the lock changed)

demo: setup  ## Watch a reply travel from the browser to a session and back
	@$(BIN)/pointsman demo

test: .venv/.development  ## Run all tests
	@.ci/packages test
	@printf '%s\n' claude_program acp_programs github_emulator | xargs -P 3 -I {} $(BIN)/python -m tests.fakes.{}
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 6 --dist loadfile --no-loadscope-reorder

check: .venv/.development  ## Everything that must hold before a change goes in
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy && $(BIN)/python -m tests.supply
	$(BIN)/python protos/generate.py --check && $(BIN)/buf lint protos && $(BIN)/python protos/baseline.py
	$(MAKE) test

protos: .venv/.development  ## Renew the Python generated from protos/
	$(BIN)/python protos/generate.py

bench: .venv/.development  ## Measure everything beside its floor and its peers (BENCH="--only chain,redis --rounds 3")
	@.ci/packages bench && $(BIN)/python -m tests.bench $(BENCH)

faults: .venv/.development  ## Break everything that can be broken and judge what became of every command (MINUTES=60 SEED=7)
	$(BIN)/python -m tests.faults $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(FAULTS)

sim: .venv/.development  ## Simulate the delivery: SEEDS=10000 small worlds, about ten minutes on two cores
	$(BIN)/python -m tests.sim --seeds $(or $(SEEDS),10000)

soak: .venv/.development  ## Write to people, and let them reply, for ten minutes within Telegram's limits (SEED=1 SPEED=4)
	$(BIN)/python -m tests.soak $(if $(SEED),--seed $(SEED)) $(if $(SPEED),--speed $(SPEED))

fuzz: .venv/.development  ## Give parsers what nobody would send: MINUTES=10 for all of them, the inputs that break one are kept
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),10)

lock: .venv/.development  ## Renew both locks from pyproject.toml (keeps what still fits; UPGRADE=1 takes the newest)
	@UPGRADE=$(UPGRADE) .ci/lock

clean:  ## Remove .venv and everything else that can be made again
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: requirements.lock pyproject.toml
	@echo "Installing into .venv (once)"
	@PYTHON=$(PYTHON) .ci/venv
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable . && touch $@

.venv/.development: requirements-dev.lock .venv/.runtime
	@echo "Installing what the tests and checks need into .venv (once)"
	@$(PIP) --require-hashes --requirement requirements-dev.lock && touch $@
