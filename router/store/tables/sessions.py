"""Sessions, and what they ask people."""

import json
from functools import partial

import msgspec
from peewee import AutoField, IntegerField, Model, TextField

from router.domain.permission import Option, PermissionKind, PermissionState, Verdict
from router.domain.permission_input import NO_DETAILS, Details
from router.domain.session import SessionState
from router.store.columns import CodedText, TimeField, json_list, text_of, words


class Session(Model):
    """Sessions; `live` counts commands that have not ended, `next_sequence` numbers the next one."""

    session_id = TextField(primary_key=True)
    bare_id = TextField(unique=True)  # one spelling for ids that are dressed differently: they are one session
    machine_id = TextField(index=True)
    label = TextField(default="")
    backend = TextField(default="")
    cwd = TextField(default="")
    state = text_of(SessionState)
    generation = IntegerField(default=0)
    next_sequence = IntegerField(default=1)
    live = IntegerField(default=0)  # kept here, as counting all commands for each new one would not do
    created_at = TimeField()
    updated_at = TimeField()
    waiting_for = TextField(default="")
    mode = TextField(default="")
    model = TextField(default="")
    modes = json_list(default=())
    controls = words(default=())
    given_name = TextField(default="")  # by people; its label is its machine's
    seen_at = TimeField(default=0)  # to the hour: most of what is heard costs no write
    hops = IntegerField(default=0)  # of what sessions say, so many brought the last text here
    limited_until = TimeField(null=True)  # by the wall clock, as its program says

    class Meta:
        table_name = "sessions"


LIVES = Session.state != SessionState.ENDED
Session.add_index(Session.machine_id, name="sessions_live", where=LIVES)
Session.add_index(Session.created_at, Session.session_id, name="sessions_begun", where=LIVES)
Session.add_index(Session.seen_at, name="sessions_seen", where=LIVES)
Session.add_index(Session.updated_at, name="sessions_over", where=Session.state == SessionState.ENDED)


def _options_as_json(options: tuple[Option, ...]) -> str:
    return json.dumps([[one.option_id, one.label, one.verdict.value, one.takes_text, one.meaning] for one in options])


def _options_of_json(text: str) -> tuple[Option, ...]:
    # Earlier versions wrote no meaning.
    return tuple(Option(key, label, Verdict(verdict), *more) for key, label, verdict, *more in json.loads(text))


def _as_json(value: Details) -> str:
    return msgspec.json.encode(value).decode()


class Permission(Model):
    """Permission questions; `position` is the order in which they came."""

    position = AutoField()
    permission_id = TextField(unique=True)
    session_id = TextField()
    machine_id = TextField()
    kind = text_of(PermissionKind)
    tool = TextField()
    input = TextField()
    input_digest = TextField()  # a machine refuses an answer to another input than it asks about now
    options = CodedText(_options_as_json, _options_of_json)
    created_at = TimeField()
    expires_at = TimeField()
    state = text_of(PermissionState)
    decided_by = TextField()
    option_id = TextField()
    text = TextField()
    detail = TextField()
    command_id = TextField()
    decided_at = TimeField(null=True)
    details = CodedText(_as_json, partial(msgspec.json.decode, type=Details), default=NO_DETAILS)
    updated_input = TextField(default="")

    class Meta:
        table_name = "permissions"


_P = Permission
OPEN = _P.state == PermissionState.OPEN
_P.add_index(_P.machine_id, name="permissions_asking", where=OPEN)
_P.add_index(_P.expires_at, name="permissions_expiry", where=OPEN)
_P.add_index(_P.session_id, _P.position, name="permissions_session")
# Behind the one before: of two that fit alike SQLite takes the newer, and open ones are few.
_P.add_index(_P.session_id, _P.position, name="permissions_open", where=OPEN)
