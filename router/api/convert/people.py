"""Persons, and what they come with."""

from agentlink.v1 import types_pb2 as pb

from router.api.convert.chats import chat_message
from router.api.convert.times import timestamp
from router.domain.person import PersonRole
from router.services.people.persons import Present

PERSON_ROLES = {role: pb.PersonRole.Value(f"PERSON_ROLE_{role.name}") for role in PersonRole}
PERSON_ROLES_BY_NUMBER = {number: role for role, number in PERSON_ROLES.items()}


def person_message(present: Present) -> pb.Person:
    told = pb.Person(
        chats=[
            pb.PairedChat(chat=chat_message(each.chat), user_id=each.user_id, paired_at=timestamp(each.paired_at))
            for each in present.chats
        ],
        browsers=[
            pb.PersonBrowser(
                browser_id=each.browser_id, label=each.label, opened_at=timestamp(each.created_at),
                expires_at=timestamp(each.expires_at),
            )
            for each in present.browsers
        ],
    )  # fmt: skip
    if (who := present.person) is not None:
        told.person_id, told.name, told.role = who.person_id, who.name, PERSON_ROLES[who.role]
        told.has_second_factor, told.passkeys = present.has_second_factor, present.passkeys
        told.machines.extend(who.machines)
        told.sessions.extend(who.sessions)
        told.created_at.FromMicroseconds(round(who.created_at * 1e6))
    return told
