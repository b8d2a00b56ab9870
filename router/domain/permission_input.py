"""What a permission question is about in full, and what may answer it beside a yes: another input, a whole form."""

import json
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.domain.unicode_escapes import unseen_escaped, visible

MAX_GIVEN = 16 * 1024  # bytes of an input as JSON, and of a diff
MAX_TITLE, MAX_MODE, MAX_WAITING_FOR, MAX_WHY = 200, 40, 100, 300  # characters, as the three behind them
MAX_ASKED, MAX_LABEL, MAX_DESCRIPTION = 4000, 200, 500
MAX_FORM, MAX_FORM_OPTIONS = 8, 16
_OLDER = "What asks it takes a yes or a no, and no other input."
_UNREADABLE = "Its input cannot be read here: it can be allowed as it is, or denied."


class FormOption(Struct, frozen=True):
    """One answer that a form offers."""

    option_id: str
    label: str
    description: str = ""


class FormQuestion(Struct, frozen=True):
    """One question of a form. With `multi_select` several options may be chosen."""

    text: str
    header: str
    multi_select: bool
    options: tuple[FormOption, ...]


class FormAnswer(Struct, frozen=True):
    """The answer to one question of a form: options, one's own words, or both."""

    option_ids: tuple[str, ...] = ()
    text: str = ""


class Details(Struct, frozen=True):
    """What a question is about, beyond the words that everybody is shown.

    `input_json` is the whole input, where it is not `input_cut`. `not_editable` says why it can be no other.
    """

    title: str = ""
    input_json: str = ""
    input_cut: bool = False
    diff: str = ""
    editable: bool = False
    not_editable: str = _OLDER
    mode: str = ""
    waiting_for: str = ""
    form: tuple[FormQuestion, ...] = ()

    @property
    def texts(self) -> str:
        """All texts of the input, as they are: in JSON a line's end is none."""
        given = given_of(self.input_json)
        return self.input_json if given is None else "\n".join(_texts(given))


class Answer(Struct, frozen=True):
    """What somebody answers: an option, what comes with it; or `answers`, one for each question of a form."""

    option_id: str = ""
    text: str = ""
    updated_input: str = ""
    answers: tuple[FormAnswer, ...] = ()


NO_DETAILS = Details()


def checked_details(told: Details) -> Details:
    """What a machine tells, within its limits, with all that cannot be seen written out. What is wrong is left out."""
    is_whole = bool(told.input_json) and not told.input_cut and given_of(told.input_json) is not None
    editable = told.editable and is_whole
    why = "" if editable else told.not_editable or (_UNREADABLE if told.editable else _OLDER)
    is_form = len(told.form) <= MAX_FORM and all(0 < len(each.options) <= MAX_FORM_OPTIONS for each in told.form)
    return Details(
        visible(told.title)[:MAX_TITLE],
        unseen_escaped(_within(told.input_json)),
        bool(told.input_json) and not is_whole,
        visible(_within(told.diff)),
        editable,
        visible(why)[:MAX_WHY],
        visible(told.mode)[:MAX_MODE],
        visible(told.waiting_for)[:MAX_WAITING_FOR],
        tuple(map(_checked_question, told.form)) if is_form else (),
    )


def given_of(text: str) -> dict[str, object] | None:
    """The input that a JSON text is; None where it is none, or too long."""
    if len(text.encode(errors="replace")) > MAX_GIVEN:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def misfit(form: Sequence[FormQuestion], answers: Sequence[FormAnswer]) -> str:
    """What is wrong with the answers to a form, for people; empty where they fit."""
    if not form:
        return "This question is no form: choose one of its options."
    if len(form) != len(answers):
        return f"The form has {len(form)} questions; there are {len(answers)} answers."
    for asked, answer in zip(form, answers, strict=True):
        offered = {each.option_id for each in asked.options}
        if not set(answer.option_ids) <= offered:
            return f"{asked.text[:80]!r} has the options {', '.join(sorted(offered))}."
        if len(set(answer.option_ids)) < len(answer.option_ids):
            return f"An answer to {asked.text[:80]!r} is there twice."
        if len(answer.option_ids) > 1 and not asked.multi_select:
            return f"{asked.text[:80]!r} takes one option."
        if not answer.option_ids and not answer.text.strip():
            return f"{asked.text[:80]!r} has no answer."
    return ""


def form_words(form: Sequence[FormQuestion], answers: Sequence[FormAnswer]) -> str:
    """The answers to a form, for people."""
    lines = []
    for asked, answer in zip(form, answers, strict=True):
        labels = {each.option_id: each.label for each in asked.options}
        chosen = ", ".join([*(labels[each] for each in answer.option_ids), *filter(None, [answer.text])])
        lines.append(f"{asked.header or asked.text}: {chosen}" if len(form) > 1 else chosen)
    return "\n".join(lines)


def _checked_question(asked: FormQuestion) -> FormQuestion:
    options = tuple(
        FormOption(each.option_id[:32], visible(each.label)[:MAX_LABEL], visible(each.description)[:MAX_DESCRIPTION])
        for each in asked.options
    )
    return replace(
        asked, text=visible(asked.text)[:MAX_ASKED], header=visible(asked.header)[:MAX_LABEL], options=options
    )


def _within(text: str) -> str:
    data = text.encode(errors="replace")
    return text if len(data) <= MAX_GIVEN else data[:MAX_GIVEN].decode(errors="ignore")


def _texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for each in value.values() for text in _texts(each)]
        case list():
            return [text for each in value for text in _texts(each)]
    return []
