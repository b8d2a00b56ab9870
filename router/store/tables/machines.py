"""Machines, and who may call: join tokens and API keys."""

import json

from msgspec.structs import astuple
from peewee import BlobField, BooleanField, IntegerField, Model, TextField

from router.domain import credentials, machine
from router.store.columns import CodedText, TimeField, json_list, text_of, words


def encoded_policy(policy: machine.MachinePolicy) -> str:
    """As a JSON list, in the order of its fields; empty where it says nothing."""
    return json.dumps(astuple(policy)) if policy != machine.MachinePolicy() else ""


def decoded_policy(text: str) -> machine.MachinePolicy:
    """What `encoded_policy` made."""
    starts, folders, programs, hours = json.loads(text) if text else (True, (), (), "")
    return machine.MachinePolicy(starts, tuple(folders), tuple(programs), hours)


def encoded_programs(programs: tuple[machine.ProgramTold, ...]) -> str:
    """As a JSON list of what is said of each; empty for none."""
    return json.dumps([astuple(each) for each in programs]) if programs else ""


def decoded_programs(text: str) -> tuple[machine.ProgramTold, ...]:
    """What `encoded_programs` made."""
    return tuple(machine.ProgramTold(*each) for each in json.loads(text)) if text else ()


class Machine(Model):
    """Enrolled machines; what the columns mean says the domain's Machine."""

    machine_id = TextField(primary_key=True)
    public_key = BlobField()
    created_at = TimeField()
    epoch = IntegerField(default=0)  # counts its links; what an older one says is not heard any more
    instance_id = TextField(default="")
    inbox_id = TextField(default="")
    outbox_id = TextField(default="")
    upstream_acked = IntegerField(default=0)
    agent_version = TextField(default="")
    last_seen_at = TimeField(null=True)
    revoked = BooleanField(default=False)
    quarantined = BooleanField(default=False)
    heard_epoch = IntegerField(default=0)
    barred = words(default=())
    start_folders = json_list(default=())
    capabilities = words(null=True)  # NULL until its next hello
    is_bound = BooleanField(default=False)
    policy = CodedText(encoded_policy, decoded_policy, default=machine.MachinePolicy())
    key_made_at = TimeField(default=0.0)
    programs = words(default=())
    told = CodedText(encoded_programs, decoded_programs, default=())
    free_bytes = IntegerField(null=True)
    gate = TextField(default="")
    former_key = BlobField(default=b"")
    key_wanted = BooleanField(default=False)

    class Meta:
        table_name = "machines"


# A key that is over stays out: asked at each enrolment.
Machine.add_index(Machine.public_key, name="machines_revoked", where=Machine.revoked)
Machine.add_index(Machine.former_key, name="machines_former")


class JoinToken(Model):
    """Rights to enrol, bound to the key that used them."""

    token_hash = TextField(primary_key=True)
    machine_id = TextField(default="")
    expires_at = TimeField()
    created_by = TextField()
    used_by_key = BlobField(null=True)  # from then on it is good for this key alone
    used_as = TextField(default="")
    created_at = TimeField(null=True)  # NULL of those from before this was kept
    made_with = TextField(default="")  # the API key's id: they end with it
    used_at = TimeField(null=True)
    revoked = BooleanField(default=False)

    class Meta:
        table_name = "join_tokens"


class ApiKey(Model):
    """Keys of people and programs."""

    key_id = TextField(primary_key=True)
    secret_hash = TextField()
    label = TextField()
    role = text_of(credentials.Role)
    created_at = TimeField()
    revoked = BooleanField(default=False)
    expires_at = TimeField(null=True)
    used_at = TimeField(null=True)
    machines = json_list(default=())
    sessions = json_list(default=())
    former = words(default=())
    overlap = IntegerField(default=0)
    taken_at = TimeField(null=True)

    class Meta:
        table_name = "api_keys"
