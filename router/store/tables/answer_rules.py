"""Rules that allow for a time."""

from peewee import IntegerField, Model, TextField

from router.domain.answer_rule import Match
from router.store.columns import TimeField, text_of


class AnswerRule(Model):
    """One row for each. What ends it is the time that the machine has been up, which no clock moves."""

    rule_id = TextField(primary_key=True)
    match = text_of(Match)
    tool = TextField()
    pattern = TextField()
    session_id = TextField()
    machine_id = TextField()
    folder = TextField()
    made_by = TextField()
    owner = TextField()
    person_id = TextField()
    user_id = TextField()
    key_id = TextField()
    created_at = TimeField()
    expires_at = TimeField()
    boot = TextField()
    until = TimeField()  # that the machine has been up: of no clock that could be set
    permission_id = TextField()
    answers = IntegerField()
    ended_at = TimeField(null=True)
    ended_by = TextField()

    class Meta:
        table_name = "answer_rules"


_R = AnswerRule
STANDS = _R.ended_at.is_null()
_R.add_index(_R.machine_id, name="answer_rules_standing", where=STANDS)
_R.add_index(_R.ended_at, name="answer_rules_over", where=_R.ended_at.is_null(is_null=False))
