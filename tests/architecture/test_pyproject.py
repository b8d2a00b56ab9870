"""What is declared, what is locked and what is imported are the same packages."""

import importlib.metadata
import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import PACKAGES, ROOT, imports, modules

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]
BUILD = [Requirement(text) for text in PYPROJECT["dependency-groups"]["build"]]
# Flask is these; it re-exports some of their names and documents the others.
FLASK = {"werkzeug", "jinja2", "itsdangerous"}
DEVELOPMENT = [Requirement(text) for text in PYPROJECT["dependency-groups"]["dev"]]
LOCKS = {"requirements.lock": [*RUNTIME, *BUILD], "requirements-dev.lock": DEVELOPMENT}


def pins(lock: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE)
    return {str(canonicalize_name(name)): pin for name, pin in found}


@pytest.mark.parametrize(
    ("lock", "requirement"),
    [pytest.param(lock, one, id=one.name) for lock, requirements in LOCKS.items() for one in requirements],
)
def test_the_lock_fits_every_requirement(lock: str, requirement: Requirement) -> None:
    pin = pins(lock).get(canonicalize_name(requirement.name))

    assert pin is not None, f"{requirement.name} is not in {lock}; run `make lock`"
    assert requirement.specifier.contains(pin), f"{requirement.name} is locked at {pin}; run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    pinned = re.split(r"^(?=[\w.-]+==)", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]

    assert not [text.splitlines()[0] for text in pinned if "--hash=sha256:" not in text]


def test_both_locks_agree_on_what_both_name() -> None:
    runtime, development = map(pins, LOCKS)

    assert {name: development[name] for name in runtime.keys() & development} == {
        name: runtime[name] for name in runtime.keys() & development
    }


def test_nothing_that_only_developers_need_is_in_the_way_of_the_demo() -> None:
    assert {canonicalize_name(one.name) for one in DEVELOPMENT} & pins("requirements.lock").keys() == set()


def test_programs_import_only_what_is_declared() -> None:
    declared = {canonicalize_name(requirement.name) for requirement in RUNTIME} | FLASK
    own = {*PACKAGES, "agentlink", "_typeshed"}  # the last one exists for type checkers only
    providers = importlib.metadata.packages_distributions()

    undeclared = {
        f"{path}:{one.line}: {one.name}"
        for path in modules(*PACKAGES)
        for one in imports(path)
        if (top := one.name.partition(".")[0]) not in own | sys.stdlib_module_names
        and not declared & {canonicalize_name(name) for name in providers.get(top, [])}
    }

    assert not undeclared


def test_warnings_are_errors_and_options_are_strict() -> None:
    options = PYPROJECT["tool"]["pytest"]["ini_options"]

    assert options["filterwarnings"][0] == "error"
    assert {"--strict-markers", "--strict-config"} <= set(options["addopts"])
    assert PYPROJECT["tool"]["mypy"]["strict"] is True
    assert sorted(PYPROJECT["tool"]["mypy"]["packages"]) == sorted(PACKAGES)
