"""Who may look and write: persons, their chats and browsers, and the codes that let them in."""

from peewee import BlobField, BooleanField, CompositeKey, IntegerField, Model, TextField

from router.domain.person import PersonRole
from router.store.columns import TimeField, json_list, text_of


class Browser(Model):
    """Browsers that were let in, by the hash of what they show, and of the login link that was used up with it."""

    login_hash = TextField(primary_key=True)
    link_hash = TextField(default="")
    person_id = TextField(default="")  # empty for whoever has the key, or a link of the console
    label = TextField()
    created_at = TimeField()
    expires_at = TimeField()
    is_closed = BooleanField(default=False)  # the row stays as long as its link would be good

    class Meta:
        table_name = "browsers"


_B = Browser
_B.add_index(_B.link_hash, name="browsers_link", unique=True, where=_B.link_hash != "")


class Person(Model):
    """Persons who were let in; what the columns mean says the domain's Person."""

    person_id = TextField(primary_key=True)
    name = TextField(unique=True)
    role = text_of(PersonRole)
    machines = json_list(default=())
    sessions = json_list(default=())
    created_at = TimeField()
    ladder = TextField(default="")
    concerns = TextField(default="")

    class Meta:
        table_name = "people"


class PairedChat(Model):
    """Where persons may write."""

    transport = TextField()
    chat_id = TextField()
    user_id = TextField()
    person_id = TextField()
    paired_at = TimeField()

    class Meta:
        table_name = "paired_chats"
        primary_key = CompositeKey("transport", "chat_id", "user_id")
        without_rowid = True


class PairingCode(Model):
    """Codes that nobody has shown yet, by their hash."""

    code_hash = TextField(primary_key=True)
    name = TextField()
    role = text_of(PersonRole)
    machines = json_list(default=())
    sessions = json_list(default=())
    expires_at = TimeField()

    class Meta:
        table_name = "pairing_codes"


class SecondFactor(Model):
    """Secrets of persons' authenticator apps, sealed with a key that is not in the database."""

    person_id = TextField(primary_key=True)
    sealed = TextField()
    last_step = IntegerField(default=0)  # of the last code: none counts twice

    class Meta:
        table_name = "second_factors"


class Passkey(Model):
    """Passkeys of persons; what the columns mean says the domain's Passkey."""

    credential_id = TextField(primary_key=True)
    person_id = TextField()
    public_key = BlobField()
    origin = TextField()
    sign_count = IntegerField()
    created_at = TimeField()

    class Meta:
        table_name = "passkeys"


Passkey.add_index(Passkey.person_id, name="passkeys_person")


class Subscription(Model):
    """Where browsers take pushes; what the columns mean says the domain's Subscription."""

    chat_id = TextField(primary_key=True)
    login_hash = TextField()
    person_id = TextField(default="")
    endpoint_hash = TextField()
    sealed = TextField()
    created_at = TimeField()
    expires_at = TimeField()
    quiet_hours = TextField(default="")

    class Meta:
        table_name = "subscriptions"


_U = Subscription
_U.add_index(_U.login_hash, name="subscriptions_login", unique=True)
_U.add_index(_U.endpoint_hash, name="subscriptions_endpoint", unique=True)


class ReadMark(Model):
    """How far a person has read what a session said: the newest notification, and its place."""

    person_id = TextField()  # empty for whoever has the key
    session_id = TextField()
    notification_id = TextField()
    place = IntegerField()

    class Meta:
        table_name = "read_marks"
        primary_key = CompositeKey("person_id", "session_id")
        without_rowid = True
