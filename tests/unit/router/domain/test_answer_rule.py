"""What a rule that allows for a time fits, and above all what it does not."""

import json
import random
import shlex
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from router.domain.answer_rule import MOST_ANSWERS, AnswerRule, Match, begins, checked_span, exact, prefix
from router.domain.deferral import Owner
from router.domain.errors import Refusal
from router.domain.permission import Option, Permission, PermissionKind, Verdict
from router.domain.permission_input import Details

OPTIONS = (
    Option("allow", "", Verdict.ALLOW),
    Option("always", "", Verdict.ALLOW_ALWAYS),
    Option("deny", "", Verdict.DENY),
)
BOOT, HOUR = "boot-1", 3600.0


def asked(command: object = "npm test", tool: str = "Bash", **more: object) -> Permission:
    given = {"command": command} | more
    return Permission(
        "p",
        "s",
        "m",
        PermissionKind.TOOL,
        tool,
        "in words",
        "d",
        OPTIONS,
        0.0,
        1.0,
        details=Details(input_json=json.dumps(given)),
    )


def rule(pattern: str = "npm test", match: Match = Match.PREFIX, **more: object) -> AnswerRule:
    known = AnswerRule(
        "r",
        match,
        "Bash",
        pattern,
        "s",
        "m",
        "",
        "Ada",
        Owner("ada"),
        0.0,
        HOUR,
        BOOT,
        HOUR,
        "p",
    )
    return replace(known, **more)


def allows(pattern: str, command: object, **more: object) -> bool:
    return rule(pattern).allows(asked(command, **more)) is not None


@pytest.mark.parametrize(
    "command",
    ["npm test", "npm test --silent", "npm test src/a.test.js", "npm test -- --grep=x", "npm test a@1.2 b:c,d %x +y"],
)
def test_a_prefix_lets_what_begins_with_its_words(command: str) -> None:
    assert allows("npm test", command)


HOSTILE = [
    "npm test; rm -rf /",
    "npm test && rm x",
    "npm test || rm x",
    "npm test | sh",
    "npm test & rm x",
    "npm test\nrm x",
    "npm test\rrm x",
    "npm test $(rm x)",
    "npm test `rm x`",
    "npm test ${IFS}x",
    "npm test $HOME",
    "npm test > /etc/x",
    "npm test >> x",
    "npm test < x",
    "npm test 2>&1",
    "npm test <(rm x)",
    "npm test # x",
    "npm test 'a'",
    'npm test "a"',
    "npm test a\\ b",
    "npm test \\\nrm",
    "npm test *",
    "npm test ?",
    "npm test [a]",
    "npm test {a,b}",
    "npm test ~root",
    "npm test !x",
    "npm test ^a^b",
    "npm test (x)",
    "npm test a\tb",
    "npm test  x",
    " npm test",
    "npm test ",
    "npm testx",
    "npm  test",
    "NPM test",
    "npm Test",
    "npm",
    "npm run test",
    "npmtest",
    "sudo npm test",
    "FOO=1 npm test",
    "env npm test",
    "npm\u00a0test",
    "npm test\u2028rm x",
    "npm test\x00x",
    "npm test\u202ex",
    "npm test é",
    "npm test\x1b[A",
    "npm test\x0brm",
    "npm test\x85rm",
    "bash npm test",
    "npm test=x",
    "x/npm test",
    "./npm test",
    "npm test\n",
    "",
]


@pytest.mark.parametrize("command", HOSTILE)
def test_and_nothing_that_may_do_more(command: str) -> None:
    assert not allows("npm test", command)


@pytest.mark.parametrize(
    "more",
    [
        {"run_in_background": True},
        {"dangerouslyDisableSandbox": True},
        {"cwd": "/"},
        {"env": {"PATH": "."}},
        {"command2": "rm"},
    ],
)
def test_what_else_may_change_what_is_run_is_no_plain_command(more: dict[str, object]) -> None:
    assert not allows("npm test", "npm test", **more)


def test_what_is_only_said_of_it_changes_nothing() -> None:
    assert allows("npm test", "npm test", description="Run the tests", timeout=600000)


@pytest.mark.parametrize("command", [None, 1, ["npm", "test"], {"a": "npm test"}, True])
def test_a_command_that_is_no_text_fits_nothing(command: object) -> None:
    assert not allows("npm test", command)


def test_twins_in_an_object_fit_nothing() -> None:
    """Which of two keys of one name counts depends on who reads it."""
    known = asked()
    twins = replace(known, details=Details(input_json='{"command": "rm -rf /", "command": "npm test"}'))

    assert rule().allows(twins) is None
    assert exact(twins) == ""


def test_an_input_that_was_cut_or_is_none_fits_nothing() -> None:
    known = asked()
    for details in (
        replace(known.details, input_cut=True),
        Details(),
        Details(input_json="[]"),
        Details(input_json='"npm test"'),
        Details(input_json="{" * 5000),
        Details(input_json='{"command": "npm test"'),
    ):
        assert rule().allows(replace(known, details=details)) is None
        assert rule("", Match.EXACT).allows(replace(known, details=details)) is None


def test_exactly_is_the_same_input_in_whatever_order() -> None:
    one = replace(asked(), details=Details(input_json='{"command":"a && b","description":"x","timeout":5}'))
    other = replace(asked(), details=Details(input_json='{"timeout": 9, "command": "a \\u0026& b"}'))
    third = replace(asked(), details=Details(input_json='{"command": "a && b ", "timeout": 9}'))
    known = rule(exact(one), Match.EXACT)

    assert known.allows(other) == OPTIONS[0]
    assert known.allows(third) is None
    assert known.allows(asked("a && b", run_in_background=True)) is None


def test_of_another_tool_what_it_says_counts_too() -> None:
    edit = {"file_path": "/x", "description": "a"}
    one, other = (
        replace(asked(tool="Edit"), details=Details(input_json=json.dumps(edit | {"description": text})))
        for text in ("a", "b")
    )

    assert exact(one) != exact(other)


def test_another_tool_machine_kind_or_way_to_answer_is_no_match() -> None:
    known = asked()
    for other in (
        replace(known, tool="bash"),
        replace(known, machine_id="m2"),
        replace(known, kind=PermissionKind.PLAN),
        replace(known, kind=PermissionKind.QUESTION),
        replace(known, options=OPTIONS[1:]),
        replace(known, machine_id=""),
    ):
        assert rule().allows(other) is None
    assert rule().allows(known) == OPTIONS[0]


def test_it_is_made_of_words_that_it_begins_with() -> None:
    assert prefix(asked("npm test --silent")) == "npm test --silent"
    assert prefix(asked("npm test --silent"), "npm  test") == "npm test"
    for command, words in (
        ("npm test", "npm tes"),
        ("npm test", "rm"),
        ("npm test && x", "npm"),
        ("npm test", "npm test x"),
        ("a" * 300, ""),
        ("bash -c x", "bash"),
        ("/bin/sh -c x", ""),
        ("env X=1 a", "env"),
        ("xargs rm", ""),
        ("a=b c", ""),
    ):
        with pytest.raises(Refusal):
            prefix(asked(command), words)


def test_it_is_about_its_session_or_its_folder() -> None:
    of_folder = rule(folder="/src")

    assert rule().is_about("s", "m", "/src")
    assert not rule().is_about("s2", "m", "/src")
    assert of_folder.is_about("s2", "m", "/src")
    for elsewhere in (("s", "m", "/src/a"), ("s", "m2", "/src"), ("s", "m", "")):
        assert not of_folder.is_about(*elsewhere)


def test_it_ends_by_the_time_that_the_machine_has_been_up() -> None:
    assert rule().holds(BOOT, HOUR - 1)
    assert not rule().holds(BOOT, HOUR)
    assert not rule().holds("boot-2", 1.0)
    assert not rule(ended_at=1.0).holds(BOOT, 1.0)
    assert not rule(answers=MOST_ANSWERS).holds(BOOT, 1.0)


def test_it_is_for_a_minute_to_a_day() -> None:
    assert checked_span(60.0) == 60.0
    for span in (0.0, 59.0, 24 * HOUR + 1, -1.0, float("nan"), float("inf")):
        with pytest.raises(Refusal):
            checked_span(span)


LETTERS = [
    *"abm-./:;&|$`(){}<>*?[]~!#'\"\\\n\r\t =%^@,\x00",
    "npm",
    "test",
    "npm test",
    "rm",
    "é",
    "\u2028",
    "\u202e",
    "&&",
]


def test_random_lines_that_fit_are_one_command_of_plain_words(tmp_path: Path) -> None:
    """A real shell says so: each that fits prints its words and does nothing else."""
    chance, fitted = random.Random(15), []
    for _ in range(60_000):
        line = "npm test" + "".join(chance.choices(LETTERS, k=chance.randrange(6)))
        if begins(asked(line), "npm test"):
            fitted.append(line)
    for line in fitted:
        assert shlex.split(line) == line.split(" ")
        assert not set(line) & set(";&|$`(){}<>*?[]~!#'\"\\\n\r\t^")
    script = "npm() { printf '%s|' \"$@\"; echo; }\n" + "\n".join(fitted[:500])
    for shell in ("sh", "bash"):
        done = subprocess.run([shell, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=60)
        expected = ["".join(f"{word}|" for word in line.split(" ")[1:]) for line in fitted[:500]]
        assert done.stdout.splitlines() == expected
        assert done.stderr == ""
    assert len(fitted) > 1_000
    assert list(tmp_path.iterdir()) == []
