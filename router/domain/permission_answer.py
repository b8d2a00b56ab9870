"""Whether an answer fits a permission question, and what it says in full."""

from msgspec import Struct
from msgspec.structs import replace

from router.domain.command import MAX_TEXT_BYTES
from router.domain.errors import Reason, Refusal
from router.domain.permission import Option, Permission, Verdict
from router.domain.permission_input import MAX_GIVEN, Answer, form_words, given_of, misfit
from router.domain.unicode_escapes import unseen_escaped

_NOT_YOURS = (
    "To allow another input is to write into the session, and this key or person may only answer. Allow it as it is, or"
    " deny it with what to change."
)


class Chosen(Struct, frozen=True):
    """An answer that fits. `updated_input` is empty where it changes nothing."""

    option: Option
    text: str
    updated_input: str


def judged(asked: Permission, answer: Answer, *, may_edit: bool) -> Chosen:
    """What an answer says. Raises Refusal: no such option, a text or an input that it does not take, too long."""
    if answer.answers:
        return _of_form(asked, answer)
    option = asked.option(answer.option_id)
    if option is None:
        offered = ", ".join(each.option_id for each in asked.options)
        raise Refusal(Reason.INVALID_ARGUMENT, f"There is no option {answer.option_id[:32]!r} here. One of: {offered}")
    if answer.text and not option.takes_text:
        raise Refusal(Reason.INVALID_ARGUMENT, f"The option {option.option_id} takes no text.")
    _check_length(answer.text)
    return Chosen(option, answer.text, _updated(asked, option, answer.updated_input, may_edit=may_edit))


def with_input(asked: Permission, updated_input: str) -> Permission:
    """The question as if it had asked about this input."""
    return replace(asked, input="", details=replace(asked.details, input_json=updated_input))


def _of_form(asked: Permission, answer: Answer) -> Chosen:
    form, answers = asked.details.form, answer.answers
    own_words = next((each for each in asked.options if each.takes_text and each.verdict is Verdict.ANSWER), None)
    if answer.option_id or answer.text or answer.updated_input:
        raise Refusal(Reason.INVALID_ARGUMENT, "With answers to the whole form there is no option, text or input.")
    if problem := misfit(form if own_words else (), answers):
        raise Refusal(Reason.INVALID_ARGUMENT, problem)
    assert own_words is not None  # noqa: S101 -- else it is no form
    text = form_words(form, answers)
    _check_length(text)
    return Chosen(own_words, text, "")


def _updated(asked: Permission, option: Option, updated_input: str, *, may_edit: bool) -> str:
    if not updated_input:
        return ""
    if option.verdict is not Verdict.ALLOW:
        text = f"The option {option.option_id} takes no other input: only what allows it this once does."
        raise Refusal(Reason.INVALID_ARGUMENT, text)
    if not asked.details.editable:
        raise Refusal(Reason.INPUT_NOT_EDITABLE, asked.details.not_editable)
    if len(updated_input.encode()) > MAX_GIVEN:
        raise Refusal(Reason.TOO_LARGE, f"The other input may have {MAX_GIVEN} bytes.")
    if (given := given_of(updated_input)) is None:
        raise Refusal(Reason.INVALID_ARGUMENT, "The other input must be a JSON object.")
    if given == given_of(asked.details.input_json):
        return ""
    if not may_edit:
        raise Refusal(Reason.PERMISSION_DENIED, _NOT_YOURS)
    seen = unseen_escaped(updated_input)
    if len(seen.encode()) > MAX_GIVEN:
        raise Refusal(
            Reason.TOO_LARGE, f"The other input may have {MAX_GIVEN} bytes, its unseen characters written out."
        )
    return seen


def _check_length(text: str) -> None:
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"The text may have {MAX_TEXT_BYTES} bytes.")
