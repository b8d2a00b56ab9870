"""The prompt box of Claude Code: what may go in, and what is read off the screen."""

import pytest

from agent.backends.claude.prompt_box import AT_ONCE, Box, box_of, defused, refused

RULE = "─" * 60
MARK = "\u276f"  # of the prompt, and of the chosen line in a dialog


def screen(*inside: str, above: str = "", below: str = "  ? for shortcuts") -> str:
    return "\n".join([f"{MARK} earlier", "", "● echo: earlier", above, RULE, *inside, RULE, below])


def scrolled(*inside: str) -> str:
    return "\n".join(
        [f"─── \x1b[2m↑ 36 more\x1b[0m {'─' * 40}", *inside, f"─── ↓ 2 more {'─' * 40}", "  ? for shortcuts"]
    )


@pytest.mark.parametrize(
    ("shown", "box"),
    [
        pytest.param(screen(f"{MARK}\xa0"), Box(""), id="empty"),
        pytest.param(screen(f"{MARK}\xa0\x1b[7m \x1b[0m"), Box(""), id="empty, with its cursor"),
        pytest.param(screen(f"{MARK} half a line"), Box("half a line"), id="a draft"),
        pytest.param(screen("> half a line"), Box("half a line"), id="the mark of older versions"),
        pytest.param(screen(f"{MARK} one", "  two", "", "  four"), Box("one\ntwo\n\nfour"), id="lines"),
        pytest.param(screen(f'{MARK} \x1b[2mTry "edit x"\x1b[22m'), Box(""), id="a dim suggestion"),
        pytest.param(screen(f'{MARK} Try "edit x"'), Box(""), id="a suggestion where there are no colours"),
        pytest.param(screen("! ls"), Box("!ls"), id="shell mode"),
        pytest.param(screen("!\xa0"), Box("!"), id="shell mode, with nothing in it yet"),
        pytest.param(screen(f"{MARK} ", above=f"{'draft stashed':>60}"), Box("", stashed=True), id="a draft put away"),
        pytest.param(screen(f"{MARK} ", above="I stashed it."), Box(""), id="a word in the conversation"),
        pytest.param(scrolled("  two", "  three"), Box("two\nthree"), id="more lines than it shows"),
        pytest.param(scrolled(f"{MARK} one", "  two"), Box("one\ntwo"), id="the first of more lines than it shows"),
        pytest.param(screen("Do you want to proceed?", f"{MARK} 1. Yes"), None, id="a dialog"),
        pytest.param("$ ls\n" + RULE, None, id="no box"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_the_box_is_read_off_the_screen(shown: str, box: Box | None) -> None:
    assert box_of(shown) == box


@pytest.mark.parametrize(("text", "typed"), [("!ls", " !ls"), ("a ! b", "a ! b"), (" !ls", " !ls"), ("", "")])
def test_a_bang_is_made_a_character(text: str, typed: str) -> None:
    assert defused(text) == typed


@pytest.mark.parametrize("text", ["/config", " /model", "/model opus now", "\n/help", "/", "/ask me", "/nosuch\nline"])
def test_what_may_open_a_panel_is_refused_by_name(text: str) -> None:
    assert refused(text, ()).startswith(f"{text.split()[0]} may open a panel")


@pytest.mark.parametrize(
    "text", ["plain", "/tmp/x is a path", "/clear", "/compact keep the plan", "and/or", "/mine go"]
)
def test_the_rest_is_typed(text: str) -> None:
    assert refused(text, ["mine"]) == ""


def test_a_refusal_says_what_there_is() -> None:
    assert all(f"/{name}" in refused("/config", ()) for name in AT_ONCE)
