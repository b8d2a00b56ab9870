"""Digests: what a session said faster than its chat may be told comes as one message. Rules only, no state.

So do good ends of commands that a mark on each would tell, and those that were taken back: one line under the last.
Bad ends come each by itself. And so do turns of several sessions that end at about the same time: a bundle.

A courier gets the digest as a delivery of its oldest member, so that a receipt for that one settles all of them.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile

from msgspec.structs import replace

from router.domain.command import ChatRef, CommandState
from router.domain.notification import Kind, Notification
from router.domain.wording import alerts, status_lines

FEWEST = 4  # messages that wait; three are read as fast one by one
MOST = 20  # members, so that there is room for some words of each
MOST_ENDS = 200
_ROOM = 3500  # UTF-16 units: one message of any platform, with what couriers put around it
_LONGEST = 16_000  # units; a longer text is somebody's document and comes whole
_CUT = "…"
_OLDER_SHARE = 2 / 3  # of the room, at most; the rest is the newest one's


def members(waiting: Sequence[Notification]) -> list[Notification]:
    """Those at the head of a chat's queue that go out together; the first alone where they make no digest."""
    first = waiting[0]
    belongs = (first.session_id, first.chat)
    run = list(takewhile(lambda each: _is_plain(each) and (each.session_id, each.chat) == belongs, waiting))[:MOST]
    return run if len(run) >= FEWEST else [first]


def bundle(waiting: Sequence[Notification]) -> list[Notification]:
    """Those at the head of a chat's queue up to the last end of a turn; the first alone where one session speaks."""
    first = waiting[0]
    run = list(takewhile(lambda each: _is_plain(each) and each.chat == first.chat, waiting))[:MOST]
    while run and not run[-1].ends_turn:
        run.pop()
    return run if len({each.session_id for each in run if each.ends_turn}) > 1 else [first]


def is_bundle(run: Sequence[Notification]) -> bool:
    """Whether several sessions speak in it."""
    return any(each.session_id != run[0].session_id for each in run)


def can_bundle(notification: Notification) -> bool:
    """Whether it ends a turn, and may come together with what others say."""
    return notification.ends_turn and _is_plain(notification)


def bundled(run: Sequence[Notification], names: Mapping[str, str]) -> Notification:
    """The oldest of such a run with the text of all, about no session: a reply to it must not be taken for its own."""
    finished = dict.fromkeys(names[each.session_id] for each in run if each.ends_turn)
    head = alerts.BUNDLE.format(count=len(finished), names=", ".join(finished))
    room = _ROOM - _units(head) - _units(alerts.BUNDLE_WHOLE)
    whole = [f"• {names[each.session_id]}: {' '.join(each.text.split())}" for each in run]
    lines = [_beginning(line, room // len(run) - 1) for line in whole]
    text = "\n".join([head, *lines, *([alerts.BUNDLE_WHOLE] if lines != whole else [])])
    return replace(run[0], session_id="", token="", text=text, is_markdown=False)


def ends(waiting: Sequence[Notification]) -> list[Notification]:
    """Those at the head of a chat's status messages that one line can tell; the first alone where there are too few."""
    first = waiting[0]
    belongs = (first.session_id, _place(first), first.text)
    run = list(takewhile(lambda each: is_end(each) and (each.session_id, _place(each), each.text) == belongs, waiting))
    return run if len(run) >= FEWEST else [first]


def end_line(run: Sequence[Notification], name: str) -> Notification:
    """The oldest of such a run, as a line under the command of the newest."""
    words = status_lines.DONE_TOGETHER if run[0].as_mark else status_lines.TAKEN_TOGETHER
    text = words.format(name=name, count=len(run) - 1)
    return replace(run[0], text=text, chat=run[-1].chat, as_mark=False)


def digest(run: Sequence[Notification], name: str, since: str) -> Notification:
    """The oldest of a run with the text of all: each one's beginning on a line, the newest with the most words."""
    # The newest says how it stands: it gets the most room.
    *older, newest = run
    head = alerts.DIGEST.format(count=len(run), name=name, when=since)
    end = alerts.DIGEST_WHOLE.format(session=newest.session_id)
    room = _ROOM - _units(head) - _units(end)
    each = int(room * _OLDER_SHARE / len(older))
    lines = [_beginning(f"• {' '.join(one.text.split())}", each) for one in older]
    last = _beginning(newest.text, room - sum(_units(line) + 1 for line in lines))
    was_cut = last != newest.text or any(line.endswith(_CUT) for line in lines)
    text = "\n".join([head, *lines, last, *([end] if was_cut else [])])
    return replace(run[0], text=text, is_markdown=False)  # a mark may have lost its other half


def _is_plain(notification: Notification) -> bool:
    """Words of a session that nothing else refers to and nobody has to answer."""
    spoken = notification.kind is Kind.PROGRESS and bool(notification.session_id)
    linked = notification.edits or notification.permission_id or notification.command_id
    special = linked or notification.buttons or notification.files
    return spoken and not special and not notification.closes_topic and _units(notification.text) <= _LONGEST


def is_end(notification: Notification) -> bool:
    """Whether one line can tell of it together with others."""
    ended = notification.as_mark or notification.command_state is CommandState.CANCELLED
    return ended and not notification.edits and not notification.buttons


def _place(notification: Notification) -> ChatRef:
    return replace(notification.chat, message_id="")


def _beginning(text: str, limit: int) -> str:
    if _units(text) <= limit:
        return text
    # Half a surrogate pair at the cut is dropped.
    return text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore").rstrip() + _CUT


def _units(text: str) -> int:
    """Length as platforms count it, in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2
