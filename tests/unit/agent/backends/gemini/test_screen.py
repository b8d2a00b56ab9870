"""What the screen of Gemini CLI shows: its prompt, and the ways to answer a dialog."""

from agent.backends.gemini.screen import dialog_of, prompt_of, works

RULE = "─" * 80
FOOT = "\n workspace (/directory)      sandbox      /model\n /w/project"
DIALOG = """
 > please 1. do it
╭──────────────────────────────────────────────────────────────────────────────╮
│ ? Shell  touch w1                                                            │
│ Allow execution of [Shell]?                                                  │
│                                                                              │
│ ● 1. Allow once                                                              │
│   2. Allow for this session                                                  │
│   3. Modify with external editor                                             │
│   4. No, suggest changes (esc)                                               │
╰──────────────────────────────────────────────────────────────────────────────╯
"""


def screen(*prompt: str) -> str:
    return "\n".join([" > earlier", "✦ 1. first", RULE, " Shift+Tab to accept edits", *prompt, "", FOOT])


def test_a_prompt_is_empty_or_holds_a_text_of_several_lines() -> None:
    assert prompt_of(screen(" >   Type your message or @path/to/file")) == ""
    assert prompt_of(screen(" > one", "   two: three")) == "one\ntwo: three"
    assert prompt_of(screen(" > [Pasted Text: 40 lines]")) == "[Pasted Text: 40 lines]"


def test_while_a_dialog_is_open_there_is_no_prompt() -> None:
    assert prompt_of(DIALOG) is None
    assert prompt_of(f"{RULE}\n{DIALOG}") is None
    assert [(one.number, one.words, one.way.kind) for one in dialog_of(DIALOG)] == [
        ("1", "Allow once", "allow_once"),
        ("2", "Allow for this session", "allow_always"),
        ("4", "No, suggest changes (esc)", "reject_once"),
    ]


def test_a_list_in_an_answer_is_no_dialog() -> None:
    assert dialog_of(screen(" > ")) == ()


def test_a_turn_that_goes_on_shows() -> None:
    assert works(" ⠏ Thinking... (esc to cancel, 2s)")
    assert not works(screen(" > "))
