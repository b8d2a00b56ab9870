"""Permission questions: what waits for an answer, and the answer."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

import click

from pointsman import names
from pointsman.commands import completion
from pointsman.context import TAKES_TEXT, SpanParam, client_flags, control, json_flag
from pointsman.errors import ExitCode, Failure
from pointsman.render import Column, plain, shortened, show, show_json, state_word

if TYPE_CHECKING:
    from pointsman.client.control import Control
    from pointsman.client.permission_records import FormAnswer, FormQuestion, Permission


@click.command()
@client_flags
@json_flag
@click.option("--session", default="", help="Only of this session.", shell_complete=completion.sessions)
@click.option("--all", "closed", is_flag=True, help="Also those that are over.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@click.option("--print-input", is_flag=True, help="With an ID: print the tool's input alone, as JSON, to change it.")
@click.argument("permission_id", metavar="[ID]", default="")
def permissions(
    *, permission_id: str, session: str, closed: bool, limit: int, print_input: bool, as_json: bool
) -> None:
    """List the questions that wait for an answer, newest first.

    With an ID, all that one question is about, and the ways to answer.
    """
    with control() as router:
        if permission_id:
            asked = _find(router, permission_id)
            if print_input:
                return _print_input(asked)
            return show_json(asked) if as_json else _tell(asked)
        of = names.session(router, session) if session else ""
        found = router.permissions(of, limit=limit, closed=closed)
        labels = names.Labels(router, as_json=as_json)
    show(
        found,
        [
            Column("session", lambda p: labels[p.session_id], least=12),
            Column("id", lambda p: p.permission_id, is_id=True),
            Column("state", lambda p: state_word(p.state)),
            Column("asked", lambda p: p.created_at, rank=2),
            Column("tool", lambda p: p.tool, least=8),
            Column("about", lambda p: shortened(p.input), rank=1, least=12),
            Column("answers", lambda p: " ".join(option.option_id for option in p.options), rank=1, least=12),
            Column("by", lambda p: p.decided_by, rank=3, least=8),
        ],
        as_json=as_json,
        nothing="No questions.",
    )
    return None


@click.command(context_settings=TAKES_TEXT)
@client_flags
@json_flag
@click.option(
    "--input",
    "given",
    metavar="FILE",
    type=click.File(encoding="utf-8"),
    help="Allow it with the JSON object in FILE in the place of the input that it asks about; - is standard input.",
)
@click.option(
    "--choose",
    "choices",
    multiple=True,
    metavar="OPTIONS",
    help="Answer a whole form, once for each question: option-1, or option-1,option-3, or =YOUR OWN WORDS.",
)
@click.option(
    "--for", "span", type=SpanParam(), help="With allow: also what is the same in this session, for so long: 2h."
)
@click.option("--begins", default="", metavar="WORDS", help="With --for: what begins with these words of its command.")
@click.option(
    "--folder", is_flag=True, help="With --for: in all sessions of its machine that began in the same folder."
)
@click.argument("permission_id", metavar="ID")
@click.argument("option", metavar="[OPTION]", default="")
@click.argument("text", default="")
def answer(
    *,
    permission_id: str,
    option: str,
    text: str,
    given: "TextIO | None",
    choices: Sequence[str],
    span: timedelta | None,
    begins: str,
    folder: bool,
    as_json: bool,
) -> None:
    """Answer a question with one of its options, for example allow, or deny "use the sandbox".

    With --input it is allowed with another input than it asked about; `pointsman permissions ID --print-input` prints
    the one it has. The first answer counts, from wherever it comes.
    """
    if span or begins or folder:
        return _allow_for(permission_id, option, span, begins, in_folder=folder, as_json=as_json)
    if not option and not choices:
        raise click.UsageError("OPTION, or for a form --choose, says the answer.")
    updated, answers = given.read() if given else "", [_form_answer(each) for each in choices]
    with control() as router:
        # Asked for anew: the answer counts for the question as it stands now, and for no other.
        seen = _find(router, permission_id)
        decided = router.answer(seen, option, text, updated_input=updated, answers=answers)
    if as_json:
        show_json(decided)
    else:
        click.echo(f"{decided.permission_id} {state_word(decided.state)}")
    return None


def _allow_for(
    permission_id: str, option: str, span: timedelta | None, begins: str, *, in_folder: bool, as_json: bool
) -> None:
    from pointsman.client.answer_rules import RuleMatch

    if span is None or option != "allow":
        raise click.UsageError("--for SPAN goes with allow, and --begins and --folder with --for.")
    with control() as router:
        seen = _find(router, permission_id)
        match = RuleMatch.PREFIX if begins else RuleMatch.EXACT
        rule = router.allow_for(
            seen.permission_id, seen.input_digest, span, match=match, words=begins, in_folder=in_folder
        )
    if as_json:
        show_json(rule)
    else:
        click.echo(f"{rule.rule_id} {plain(rule.tool)}: {plain(rule.pattern)}")


@click.command()
@client_flags
@json_flag
@click.option(
    "--session", default="", help="Only those that hold for this session.", shell_complete=completion.sessions
)
@click.option("--all", "over", is_flag=True, help="Also those that are over.")
@click.option("--end", is_flag=True, help="End the one with this ID.")
@click.argument("rule_id", metavar="[ID]", default="")
def rules(*, rule_id: str, session: str, over: bool, end: bool, as_json: bool) -> None:
    """List the rules that allow by themselves for a time; with an ID and --end, end one."""
    if end != bool(rule_id):
        raise Failure("--end and an ID go together", "`pointsman rules` lists the ids.", ExitCode.USAGE)
    with control() as router:
        # By its whole id: to end the wrong one would go unnoticed.
        if end:
            ended = router.end_rule(rule_id)
            return show_json(ended) if as_json else click.echo(f"{ended.rule_id} ended")
        of = names.session(router, session) if session else ""
        found = router.rules(of, include_over=over)
        labels = names.Labels(router, as_json=as_json or not found)
    show(
        found,
        [
            Column("id", lambda r: r.rule_id),
            Column("holds", lambda r: r.holds),
            Column("until", lambda r: r.expires_at),
            Column("for", lambda r: r.folder or labels[r.session_id], least=8),
            Column("machine", lambda r: r.machine_id, rank=2),
            Column("tool", lambda r: r.tool),
            Column("match", lambda r: state_word(r.match), rank=1),
            Column("what", lambda r: shortened(r.pattern), least=12),
            Column("by", lambda r: r.made_by, rank=2, least=8),
            Column("answers", lambda r: str(r.answers), rank=1),
        ],
        as_json=as_json,
        nothing="No rule answers by itself.",
    )
    return None


def _find(router: "Control", permission_id: str) -> "Permission":
    found = router.permissions(permission_id=permission_id)
    if not found:
        raise Failure(f"no question {permission_id!r}", "`pointsman permissions` lists them.", ExitCode.NOT_FOUND)
    return found[0]


def _form_answer(choice: str) -> "FormAnswer":
    from pointsman.client.permission_records import FormAnswer

    options, separator, words = choice.partition("=")
    chosen = tuple(each.strip() for each in options.split(",") if each.strip())
    return FormAnswer(chosen, words if separator else "")


def _print_input(asked: "Permission") -> None:
    """As it is to be changed: indented, whole."""
    if asked.details.input_cut or not asked.details.input_json:
        why = asked.details.not_editable or "Its machine does not say it."
        raise Failure(f"the whole input of {asked.permission_id} is not here", why, ExitCode.FAILED)
    click.echo(json.dumps(json.loads(asked.details.input_json), indent=2))


def _tell(asked: "Permission") -> None:
    how = ", ".join(part for part in (state_word(asked.state), asked.decided_by, asked.text, asked.detail) if part)
    click.echo(f"{asked.permission_id}: {plain(how)}\n{plain(asked.tool)} in {asked.session_id}")
    # Line by line: it keeps its shape, and loses what would move the cursor and hide a part of it.
    click.echo("\n".join(plain(line) if line else "" for line in asked.input.splitlines()))
    for number, question in enumerate(asked.details.form, start=1):
        _tell_form(number, question)
    for option in asked.options:
        meaning = option.meaning or option.label
        label = f"  # {plain(meaning)}" if meaning else ""
        click.echo(f"  pointsman answer {asked.permission_id} {option.option_id}{label}")
    if asked.details.form:
        chosen = " ".join(f"--choose {each.options[0].option_id}" for each in asked.details.form if each.options)
        click.echo(f"  pointsman answer {asked.permission_id} {chosen}")
    if asked.details.editable:
        click.echo(f"  pointsman answer {asked.permission_id} allow --input FILE")
    elif asked.details.not_editable:
        click.echo(f"  ({plain(asked.details.not_editable)})")


def _tell_form(number: int, question: "FormQuestion") -> None:
    several = " (one or more)" if question.multi_select else ""
    click.echo(f"{number}. {plain(question.text)}{several}")
    for option in question.options:
        more = f" - {plain(option.description)}" if option.description else ""
        click.echo(f"     {option.option_id}: {plain(option.label)}{more}")
