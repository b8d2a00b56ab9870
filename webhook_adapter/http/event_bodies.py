"""What REST takes and answers of what sessions do, and of what was said in them."""

from typing import Annotated

from msgspec import Meta

from webhook_adapter.endpoints import Answer, Query
from webhook_adapter.http.bodies import Filled, Time


class ListSessionEvents(Query):
    """Which of a session's events."""

    after: Annotated[int, Meta(ge=0, le=2**62, description="Only behind this number.")] = 0
    last: Annotated[int, Meta(ge=0, le=20_000, description="Of what is kept, only the newest so many.")] = 0


class Search(Query):
    """What is searched, and where."""

    q: Annotated[Filled, Meta(max_length=256)]
    session: str | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    before: Annotated[int, Meta(ge=0, le=2**62, description="Go on where an answer before ended.")] = 0


class SnippetPart(Answer):
    """A piece of a text; or a word of it that was searched."""

    text: str
    is_hit: bool


class SearchHit(Answer):
    """Something that was said in a session: the event of this number."""

    session_id: str
    seq: int
    generation: int
    at: Time | None
    by: str
    snippet: tuple[SnippetPart, ...]


class SearchResult(Answer):
    """What was said with these words, newest first; 0 in `before` when that was all."""

    hits: list[SearchHit]
    before: int
