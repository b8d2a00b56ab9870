"""Permission questions on the command line, against a real router and a machine that asks."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from agentlink.v1 import control_pb2 as pb
from agentlink.v1 import types_pb2 as types
from click.testing import CliRunner, Result

from pointsman.group import pointsman
from tests.integration.router.harness import API_KEY, RouterUnderTest, config, serving
from tests.integration.router.permissions.asking import ask, decision
from tests.rigs.thin_agent import ThinLink

CHAT = types.ChatRef(transport="test", chat_id="1")


@pytest.fixture
def router(data_dir: Path) -> Iterator[RouterUnderTest]:
    with serving(config(data_dir)) as router:
        yield router


@pytest.fixture
def link(router: RouterUnderTest) -> Iterator[ThinLink]:
    agent = router.machine()
    router.session(agent, "api")
    with agent.connected() as link:
        yield link


@pytest.fixture
def asked(router: RouterUnderTest, link: ThinLink) -> str:
    [session] = router.control.ListSessions(pb.ListSessionsRequest()).sessions
    return ask(link, session.session_id, input="git push\n--force")


def test_a_script_asks_and_prints_the_answer(router: RouterUnderTest, link: ThinLink) -> None:
    with router.courier("test", "1") as courier, ThreadPoolExecutor() as pool:
        asking = pool.submit(run, router, "ask", "api", "Deploy?", "--option", "Yes", "--option", "No, never")
        shown = courier.brought("100").notification
        router.submit(CHAT, button={"data": f"cmd:{shown.token}:{shown.buttons[1].action}"})
        done = asking.result(60)

    assert (done.exit_code, done.stdout) == (0, "No, never\n")
    assert link.waiting() == 0


def test_where_nobody_answers_it_says_so(router: RouterUnderTest, link: ThinLink) -> None:
    with router.courier("test", "1") as courier, ThreadPoolExecutor() as pool:
        asking = pool.submit(run, router, "ask", "api", "Deploy?", "--ttl", "30m")
        courier.brought("100")
        router.advance(1801)
        done = asking.result(60)

    assert (done.exit_code, done.stdout, done.stderr) == (7, "", "nobody answered: expired\n")
    assert link.waiting() == 0


def run(router: RouterUnderTest, *arguments: str) -> Result:
    environ = {
        "POINTSMAN_ROUTER": router.address,
        "POINTSMAN_API_KEY": API_KEY,
        "POINTSMAN_DATA_DIR": str(router.config.data_dir),
    }
    return CliRunner().invoke(pointsman, arguments, env=environ)


def test_what_waits_is_listed_shown_whole_and_answered_once(
    router: RouterUnderTest, link: ThinLink, asked: str
) -> None:
    [listed] = json.loads(run(router, "permissions", "--session", "api", "--json").stdout)
    assert (listed["permissionId"], listed["state"], listed["options"][0]) == (asked, "OPEN", "allow=")
    whole = run(router, "permissions", asked).stdout
    assert "git push\n--force\n" in whole
    assert f"pointsman answer {asked} deny" in whole

    done = run(router, "answer", asked, "deny", "--not today")
    assert (done.exit_code, done.stdout) == (0, f"{asked} denied\n")
    assert (decision(link).option_id, link.waiting()) == ("deny", 0)
    late = run(router, "answer", asked, "allow")
    assert late.exit_code == 1
    assert "Denied by" in late.stderr
    assert "No questions." in run(router, "permissions").stderr
    assert "--not today" in run(router, "permissions", "--all", "--json").stdout
    assert [step["event"] for step in json.loads(run(router, "trace", asked, "--json").stdout)] == ["Asked", "Decided"]


@pytest.mark.parametrize("words", [("permissions", "no-such"), ("answer", "no-such", "allow")], ids=["list", "answer"])
def test_a_question_that_does_not_exist_is_not_found(router: RouterUnderTest, words: tuple[str, ...]) -> None:
    assert run(router, *words).exit_code == 5


def test_an_option_it_does_not_have_is_refused_with_those_it_has(router: RouterUnderTest, asked: str) -> None:
    refused = run(router, "answer", asked, "maybe")

    assert refused.exit_code == 2
    assert "allow, always, deny" in refused.stderr


DETAILS = types.PermissionDetails(input_json='{"command": "git push"}', editable=True)
RED_OR_BLUE = [
    types.FormOption(option_id="option-1", label="Red"),
    types.FormOption(option_id="option-2", label="Blue"),
]
FORM = types.PermissionDetails(
    form=[
        types.FormQuestion(text="Which colour?", options=RED_OR_BLUE),
        types.FormQuestion(text="Which others?", multi_select=True, options=RED_OR_BLUE),
    ],
    not_editable="It takes answers.",
)
WORDS = [types.PermissionOption(option_id="text", verdict=types.VERDICT_ANSWER, takes_text=True)]


def asked_with(router: RouterUnderTest, link: ThinLink, details: types.PermissionDetails, **request: Any) -> str:
    [session] = router.control.ListSessions(pb.ListSessionsRequest()).sessions
    return ask(link, session.session_id, details=details, **request)


def test_it_is_allowed_with_an_input_that_was_printed_and_changed(
    router: RouterUnderTest, link: ThinLink, tmp_path: Path
) -> None:
    asked = asked_with(router, link, DETAILS)
    printed = run(router, "permissions", asked, "--print-input").stdout
    changed = tmp_path / "changed.json"
    changed.write_text(printed.replace("push", "status"))

    done = run(router, "answer", asked, "allow", "--input", str(changed))

    assert (done.exit_code, json.loads(printed)) == (0, {"command": "git push"})
    assert json.loads(decision(link).updated_input) == {"command": "git status"}
    told = json.loads(run(router, "trace", asked, "--json").stdout)
    assert told[-1]["detail"] == "allow with another input"


def test_a_form_is_shown_and_answered_whole(router: RouterUnderTest, link: ThinLink) -> None:
    asked = asked_with(router, link, FORM, options=WORDS)
    shown = run(router, "permissions", asked).stdout

    done = run(router, "answer", asked, "--choose", "option-2", "--choose", "option-1, option-2=or green")

    assert "2. Which others? (one or more)\n     option-1: Red\n" in shown
    assert "--choose option-1 --choose option-1\n  (It takes answers.)" in shown
    assert (done.exit_code, done.stdout) == (0, f"{asked} answered\n")
    assert [(list(each.option_ids), each.text) for each in decision(link).answers] == [
        (["option-2"], ""),
        (["option-1", "option-2"], "or green"),
    ]


def test_an_answer_says_something(router: RouterUnderTest, asked: str) -> None:
    assert run(router, "answer", asked).exit_code == 2


def test_a_question_without_its_input_is_not_printed(router: RouterUnderTest, asked: str) -> None:
    refused = run(router, "permissions", asked, "--print-input")

    assert (refused.exit_code, refused.stdout) == (1, "")
