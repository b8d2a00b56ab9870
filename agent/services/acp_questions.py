"""What coding agents ask that are spoken to, over ACP or beside their terminal, brought to people and back."""

import asyncio

from agent.backends.open_questions import NOTHING, Beside
from agent.domain.acp_question import (
    Form,
    Json,
    Permission,
    form_answer,
    form_questions,
    is_denied,
    permission_answer,
    permission_question,
)
from agent.domain.permission import Decision, Over, Verdict
from agent.services.permissions import Asking, Permissions

_STOPPED = "its turn was stopped"


class AcpQuestions:
    """There is no dialog: only people can answer."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions

    async def ask(self, session_id: str, asker: str, about: Permission | Form) -> tuple[Json, Beside]:
        """What the program is to hear, and what a person said beside a no. When this is cancelled, it asks no more.

        Raises StoreUnavailable.
        """
        async with self._permissions.asking() as asking:
            try:
                if isinstance(about, Form):
                    return await _form(about, session_id, asker, asking), NOTHING
                return await _permission(about, session_id, asker, asking)
            except asyncio.CancelledError:
                await asyncio.shield(asking.give_up(Over.WITHDRAWN, _STOPPED))
                raise


class DialogQuestions:
    """Beside a dialog in a terminal: the first answer counts, and without one the terminal has the question."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions

    async def ask(self, session_id: str, asker: str, about: Permission | Form) -> tuple[Json, Beside] | None:
        """What was chosen, and what a person said beside a no. Cancelled when the dialog is gone: answered over there.

        Raises StoreUnavailable.
        """
        async with self._permissions.asking() as asking:
            if isinstance(about, Form):
                return await _form(about, session_id, asker, asking), NOTHING
            decision, words = await _decided(about, session_id, asker, asking)
            return None if decision is None else (permission_answer(about, decision), words)


async def _permission(about: Permission, session_id: str, asker: str, asking: Asking) -> tuple[Json, Beside]:
    # The protocol has no room for a reason: what a person wrote goes in as the next text.
    decision, words = await _decided(about, session_id, asker, asking)
    return permission_answer(about, decision), words


async def _decided(about: Permission, session_id: str, asker: str, asking: Asking) -> tuple[Decision | None, Beside]:
    question = permission_question(about, session_id, asker)
    decision = await asking.ask(question)
    if decision is None or not is_denied(about, decision):
        return decision, NOTHING
    return decision, asking.beside(question.permission_id, decision.text)


async def _form(form: Form, session_id: str, asker: str, asking: Asking) -> Json:
    """One question after the other, up to the first no."""
    decided: list[Decision] = []
    for question in form_questions(form, session_id, asker):
        decision = await asking.ask(question)
        if decision is None:
            break
        decided.append(decision)
        refused = {one.option_id for one in question.options if one.verdict is Verdict.DENY}
        if decision.option_id in refused:
            break
    return form_answer(form, decided)
