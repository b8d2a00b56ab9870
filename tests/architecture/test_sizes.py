"""Small enough to be read at once, and with a word of why where it is needed."""

from statistics import median

import pytest

from tests.architecture.sizes import Sizes, functions, length, measured, rpcs
from tests.architecture.source import PACKAGES, ROOT, modules

MODULE_LINES, MODULE_MEDIAN = 350, 120
FUNCTION_LINES, FUNCTION_P90, FUNCTION_MEDIAN = 50, 22, 8
RPC_LINES = 15  # parse, call, map; what is longer decides something, and belongs to a service
LEAST_COMMENTS, MOST_COMMENTS = 4.0, 12.0  # per hundred lines

WRITTEN = [*modules(*PACKAGES, "tests"), "protos/generate.py"]


@pytest.fixture(scope="module", params=PACKAGES)
def package(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def sizes(package: str) -> Sizes:
    return measured(package)


def test_modules_stay_readable() -> None:
    lines = {path: len((ROOT / path).read_text().splitlines()) for path in WRITTEN}

    assert not [f"{path} has {n} lines; split it by nouns" for path, n in lines.items() if n > MODULE_LINES]


def test_functions_stay_readable() -> None:
    long = [
        f"{path}:{function.lineno}: {function.name} has {length(function)} lines"
        for path in WRITTEN
        for function in functions(path)
        if length(function) > FUNCTION_LINES
    ]

    assert not long


def test_servicers_only_parse_call_and_map() -> None:
    answers = [(owner, method) for path in modules(*PACKAGES) for owner, method in rpcs(path)]

    assert not [f"{owner}.{one.name} has {length(one)} lines" for owner, one in answers if length(one) > RPC_LINES]


def test_most_modules_and_functions_are_short(sizes: Sizes) -> None:
    assert median(sizes.files) <= MODULE_MEDIAN
    assert median(sizes.functions) <= FUNCTION_MEDIAN
    assert sizes.p90 <= FUNCTION_P90


def test_comments_say_why_and_not_what(sizes: Sizes) -> None:
    """Without any, rules that are not obvious go unexplained; with too many, they say what the code says."""
    assert LEAST_COMMENTS <= sizes.comment_share <= MOST_COMMENTS
