"""What every backend does: texts arrive as they are and once, keys as a keyboard sends them, and nobody else's program
gets any of it."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agent import processes
from agent.domain.command import Action, Ending, Input, KeyPress, Outcome, Reason
from tests.folders import short_folder
from tests.integration.agent.backends.program_stages import AcpStage, HeadlessStage
from tests.integration.agent.backends.stages import (
    CommandStage,
    NvimStage,
    PtyStage,
    Stage,
    TerminalStage,
    TmuxStage,
    TypedIntoStage,
)
from tests.waiting import wait_until

TEXTS = {
    "plain": "please go on",
    "last semicolon": "ls;",
    "escaped semicolon": "ls \\;",
    "only a semicolon": ";",
    "leading dash": "-n --literal",
    "end of options": "--",
    "quotes": "'\"`\\",
    "shell": "$(touch /tmp/x) `id` ${HOME} && rm * | cat > f &",
    "formats": "#{pane_id} #(id) %1 %% !! ~",
    "key names": "Enter C-c Escape",
    "bang": "!ls",
    "slash": "/help",
    "spaces": "  two before, two after  ",
    "tab": "a\tb",
    "accents": "žluťoučký kůň",
    "cjk": "日本語を話します",
    "emoji": "👩‍👩‍👧 👍🏽 🇨🇿 🫩",
    "combining": "e\u0301 a\u0308 \u0915\u094d\u0937",
    "right to left": "שלום \u202eabc\u202c عربى",
    "not assigned": "\u0378 \ue0b0 \U0010fffd \ufffe \u00ad \u2028 \ufeff",
    "lines": "one\ntwo\nthree",
    "empty lines": "\n\none\n\n\ntwo\n",
    "line of semicolons": "a;\nb;\n;",
    "400 characters": "x" * 399 + ";",
    "401 characters": "x" * 400 + "é",
    "4 KiB": "0123456789abcde;" * 256,
    "4 KiB of lines": ("another line of a long text;\n" * 150)[:4096],
    "4000 wide characters": "語" * 4000,
}

CLEANED = {
    "escape": ("a\x1b[201~\rb\x1b[A", "a[201~b[A"),
    "control": ("a\x03b\x04c\x1ad\x00e\x7f", "abcde"),
    "c1": ("a\u009b201~b\u0085", "a201~b"),
    "crlf": ("one\r\ntwo\r\n", "one\ntwo\n"),
    "surrogate": ("a\ud83db", "ab"),
}

STAGES: dict[str, Callable[..., Stage]] = {
    "tmux": TmuxStage,
    "pty": PtyStage,
    "nvim": NvimStage,
    "command": CommandStage,
    "headless": HeadlessStage,
    "acp": AcpStage,
}
LINELESS = {"headless", "acp"}


@pytest.fixture(scope="module", params=STAGES)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """One of each for all tests: what a text leaves behind is found by the next."""
    with short_folder() as folder, closing(STAGES[request.param](folder)) as made:
        yield made


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_arrives_exact_and_once(stage: Stage, text: str) -> None:
    outcome = stage.deliver(Input(text))

    assert outcome == Outcome.done()
    assert stage.submissions() == [text.encode()]


@pytest.mark.parametrize(("text", "arrives"), CLEANED.values(), ids=CLEANED)
def test_control_characters_do_not_arrive(stage: Stage, text: str, arrives: str) -> None:
    stage.deliver(Input(text))

    assert stage.submissions() == [arrives.encode()]


def test_texts_stay_in_order_and_apart(stage: Stage) -> None:
    stage.deliver(Input("first"))
    stage.deliver(Input("second\nlines"))
    stage.deliver(Input("third"))

    assert stage.submissions() == [b"first", b"second\nlines", b"third"]


@pytest.mark.parametrize("stage", sorted(STAGES.keys() - LINELESS), indirect=True)
def test_an_empty_text_is_an_enter(stage: Stage) -> None:
    stage.deliver(Input(""))

    assert stage.submissions() == [b""]


def test_a_key_that_does_not_exist_is_refused(stage: Stage) -> None:
    outcome = stage.deliver(KeyPress("f13"))

    assert outcome.reason.name == "UNSUPPORTED"
    assert stage.submissions() == []


@pytest.mark.parametrize("action", [Input(""), Input("half", submit=False), KeyPress("enter"), KeyPress("up")])
@pytest.mark.parametrize("stage", sorted(LINELESS), indirect=True)
def test_what_needs_an_input_line_is_refused_where_there_is_none(stage: Stage, action: Action) -> None:
    outcome = stage.deliver(action)

    assert outcome.reason.name == "UNSUPPORTED"
    assert stage.submissions() == []


def test_a_stop_with_nothing_to_stop_harms_nothing(stage: Stage) -> None:
    stopped = stage.deliver(KeyPress("ctrl-c"))
    stage.deliver(Input("next"))

    assert stopped.ending is Ending.DONE
    assert [text.removeprefix(b"\x03") for text in stage.submissions()] == [b"next"]


@pytest.mark.parametrize("stage", ["command", "headless", "acp"], indirect=True)
def test_what_runs_for_a_text_is_never_gone(stage: Stage) -> None:
    stage.deliver(Input("first"))
    stage.kill()
    alive = stage.alive()

    assert (alive, stage.deliver(Input("second"))) == (True, Outcome.done())
    assert stage.submissions() == [b"first", b"second"]


ADDRESSED: dict[str, Callable[..., TypedIntoStage]] = {"tmux": TmuxStage, "nvim": NvimStage}
TERMINALS: dict[str, Callable[..., TerminalStage]] = {**ADDRESSED, "pty": PtyStage}
PASTE_ON, CURSOR_KEYS_ON = b"\x1b[?2004h", b"\x1b[?1h"


@pytest.mark.parametrize("kind", TERMINALS)
def test_without_submit_no_enter_follows(kind: str, data_dir: Path) -> None:
    with closing(TERMINALS[kind](data_dir)) as stage:
        stage.deliver(Input("half", submit=False))
        stage.deliver(Input("way"))

        assert stage.submissions() == [b"halfway"]


@pytest.mark.parametrize("kind", TERMINALS)
def test_lines_are_one_paste_where_the_program_asks_for_pastes(kind: str, data_dir: Path) -> None:
    with closing(TERMINALS[kind](data_dir, PASTE_ON)) as stage:
        stage.deliver(Input("one\ntwo;"))
        stage.deliver(Input("single"))

        assert stage.submissions() == [b"\x1b[200~one\ntwo;\x1b[201~", b"single"]


@pytest.mark.parametrize("kind", TERMINALS)
def test_lines_reach_a_program_that_reads_lines(kind: str, data_dir: Path) -> None:
    got = data_dir / "got"
    with closing(TERMINALS[kind](data_dir, command=["sh", "-c", f"cat > {got}"])) as stage:
        wait_until(got.exists)
        stage.deliver(Input("one\ntwo; three\n\nfour"))

        wait_until(lambda: got.read_text() == "one\ntwo; three\n\nfour\n")


@pytest.mark.parametrize("kind", TERMINALS)
def test_a_shell_takes_lines_as_one_input(kind: str, data_dir: Path) -> None:
    prompts, got, rc = data_dir / "prompts", data_dir / "got", data_dir / "rc"
    rc.write_text(f"PROMPT_COMMAND='echo prompt >> {prompts}'; PS1='READY$ '; HISTFILE=\n")
    with closing(TERMINALS[kind](data_dir, command=["bash", "--noprofile", "--rcfile", str(rc), "-i"])) as stage:
        stage.shows("READY$")
        stage.deliver(Input(f"echo one >> {got}\necho two >> {got}"))
        wait_until(lambda: got.exists() and got.read_text() == "one\ntwo\n")

        wait_until(lambda: len(prompts.read_text().split()) == 2)


@pytest.mark.parametrize("kind", TERMINALS)
def test_a_target_that_is_gone_is_known_and_gets_nothing(kind: str, data_dir: Path) -> None:
    with closing(TERMINALS[kind](data_dir)) as stage:
        before = stage.alive()
        stage.kill()
        outcome = stage.deliver(Input("hello"))

        assert (before, stage.alive()) == (True, False)
        assert (outcome.ending, outcome.reason) == (Ending.FAILED, Reason.TARGET_GONE)


@pytest.mark.parametrize("kind", ADDRESSED)
@pytest.mark.parametrize("earlier", [0.0, 60.0], ids=["another pid", "the same pid at another time"])
def test_a_target_with_another_program_in_it_gets_nothing(kind: str, earlier: float, data_dir: Path) -> None:
    with closing(ADDRESSED[kind](data_dir)) as stage:
        registered = stage.session
        assert registered.process is not None
        other = replace(registered.process, started=registered.process.started - earlier)
        stage.session = replace(registered, process=other if earlier else processes.identify(os.getpid()))
        outcome, alive = stage.deliver(Input("hello")), stage.alive()
        stage.session = registered

        assert (outcome.ending, outcome.reason, alive) == (Ending.FAILED, Reason.TARGET_GONE, False)
        assert stage.submissions() == []


KEYS = {
    "esc": (b"\x1b", b"\x1b"),
    "enter": (b"\r", b"\r"),
    "ctrl-c": (b"\x03", b"\x03"),
    "tab": (b"\t", b"\t"),
    "up": (b"\x1b[A", b"\x1bOA"),
    "down": (b"\x1b[B", b"\x1bOB"),
    "left": (b"\x1b[D", b"\x1bOD"),
    "right": (b"\x1b[C", b"\x1bOC"),
    "backspace": (b"\x7f", b"\x7f"),
    "space": (b" ", b" "),
    "shift-tab": (b"\x1b[Z", b"\x1b[Z"),
    "page-up": (b"\x1b[5~", b"\x1b[5~"),
    "page-down": (b"\x1b[6~", b"\x1b[6~"),
    "ctrl-r": (b"\x12", b"\x12"),
    "ctrl-o": (b"\x0f", b"\x0f"),
    "ctrl-z": (b"\x1a", b"\x1a"),
}


# nvim does not tell whether its terminal's program wants application cursor keys.
MODES: list[tuple[str, tuple[bytes, ...], int]] = [
    *((kind, (), 0) for kind in TERMINALS),
    ("tmux", (CURSOR_KEYS_ON,), 1),
    ("pty", (CURSOR_KEYS_ON,), 1),
]


@pytest.mark.parametrize(("kind", "escapes", "place"), MODES)
def test_keys_arrive_as_a_keyboard_sends_them(
    kind: str, escapes: tuple[bytes, ...], place: int, data_dir: Path
) -> None:
    with closing(TERMINALS[kind](data_dir, *escapes)) as stage:
        outcomes = [stage.deliver(KeyPress(name)) for name in KEYS]

        record = b"\r".join(stage.submissions())  # ended by the Ctrl-D that is not in the table

    assert set(outcomes) == {Outcome.done()}
    assert record == b"".join(sent[place] for sent in KEYS.values())
