"""Who may look and write: the browsers that were let into the console."""

from peewee import BooleanField, Model, TextField

from router.store.columns import TimeField


class Browser(Model):
    """Browsers that were let in, by the hash of what they show, and of the login link that was used up with it."""

    login_hash = TextField(primary_key=True)
    link_hash = TextField(default="")
    label = TextField()
    created_at = TimeField()
    expires_at = TimeField()
    is_closed = BooleanField(default=False)  # the row stays as long as its link would be good

    class Meta:
        table_name = "browsers"


_B = Browser
_B.add_index(_B.link_hash, name="browsers_link", unique=True, where=_B.link_hash != "")
