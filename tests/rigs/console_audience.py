"""Who hears of what, rules and ladders, for a console over a router in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pointsman.client.answer_rules import AnswerRule, RuleMatch
from pointsman.client.errors import RouterError
from pointsman.client.people_records import Ladder
from pointsman.client.records import Chat, Origin

TELEGRAM, MAIL = Chat("telegram", "4711"), Chat("mail", "ada@example.org")


def a_rule(rule_id: str, **given: object) -> AnswerRule:
    at = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    until = datetime(2036, 11, 20, 11, 0, tzinfo=UTC)
    blank = AnswerRule(rule_id, RuleMatch.EXACT, "Bash", '{"command":"npm test"}', "s-1", "devbox", "", "web (Ada)", at,
                       until, 3, True, "", "p-1")  # fmt: skip
    return replace(blank, **given)  # type: ignore[arg-type]


class FakeAudience:
    """A part of FakeControl."""

    known_rules: tuple[AnswerRule, ...] = ()
    told_chats: tuple[Chat, ...] = (TELEGRAM,)
    other_chats: tuple[Chat, ...] = (MAIL,)
    known_ladder = Ladder("15m again, 30m mail")
    summaries: dict[str, str] = {}  # noqa: RUF012 - each console sets its own
    ended_by: str = ""
    asked_at: str = ""

    def audience(self, session_id: str) -> tuple[list[Chat], list[Chat]]:
        assert session_id
        return list(self.told_chats), list(self.other_chats)

    def follow_session(self, session_id: str, chats: Sequence[Chat] = (), *, request: str | None = None) -> list[Chat]:
        assert session_id
        assert request
        self.other_chats = tuple(chat for chat in self.other_chats if chat not in chats)
        self.told_chats += tuple(chats)
        return list(self.told_chats)

    def unfollow_session(
        self, session_id: str, chats: Sequence[Chat] = (), *, request: str | None = None
    ) -> list[Chat]:
        assert session_id
        assert request
        left = tuple(chat for chat in self.told_chats if chat not in chats)
        if not left:
            raise RouterError("FAILED_PRECONDITION", "Nobody else would hear of api then.", "ILLEGAL_STATE")
        self.told_chats, self.other_chats = left, self.other_chats + tuple(chats)
        return list(left)

    def ladder(self, person_id: str = "", wanted: str = "", concerns: str = "", *, login_id: str = "") -> Ladder:
        assert not person_id
        self.asked_at = login_id
        if wanted == "soon":
            raise RouterError("INVALID_ARGUMENT", "A ladder is read as …", "LADDER_UNCLEAR")
        known = self.known_ladder
        self.known_ladder = Ladder(wanted or known.ladder, concerns or known.concerns)
        return self.known_ladder

    def summary(self, chat: Chat, at: str = "", *, request: str | None = None) -> str:
        if at:
            assert request
            self.summaries = self.summaries | {chat.chat_id: "" if at == "off" else f"every day {at}"}
        return self.summaries.get(chat.chat_id, "")

    def rules(self, session_id: str = "", *, include_over: bool = False) -> list[AnswerRule]:
        found = [rule for rule in self.known_rules if rule.holds or include_over]
        return [rule for rule in found if session_id in ("", rule.session_id)]

    def end_rule(self, rule_id: str, *, request: str | None = None, origin: Origin | None = None) -> AnswerRule:
        assert request
        self.ended_by = origin.actor if origin else ""
        ended = [replace(rule, holds=rule.holds and rule.rule_id != rule_id) for rule in self.known_rules]
        self.known_rules = tuple(ended)
        return next(rule for rule in ended if rule.rule_id == rule_id)
