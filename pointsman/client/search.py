"""Search over what was said in sessions."""

from dataclasses import dataclass
from datetime import datetime

from agentlink.v1 import control_pb2 as pb

from pointsman.client import convert
from pointsman.client.calls import Calls


@dataclass(frozen=True, slots=True)
class SnippetPart:
    """A piece of a text; `is_hit`: it is a word that was searched."""

    text: str
    is_hit: bool


@dataclass(frozen=True, slots=True)
class SearchHit:
    """Something that was said: the event of that number in its session, by "USER", "ASSISTANT" or "SYSTEM"."""

    session_id: str
    seq: int
    generation: int
    at: datetime | None
    by: str
    snippet: tuple[SnippetPart, ...]


class Search(Calls):
    """Every method raises RouterError."""

    def search(
        self, words: str, session_id: str = "", *, limit: int = 20, before: int = 0
    ) -> tuple[list[SearchHit], int]:
        """What was said with all of these words, newest first, and where to go on; 0 when that was all.

        There may be more where there is where to go on, also when nothing was found until there.
        """
        request = pb.SearchRequest(query=words, session_id=session_id, limit=limit, before=before)
        found = self._call(self._stub.Search, request)
        hits = [convert.read(SearchHit, hit, snippet=_parts(hit)) for hit in found.hits]
        return hits, found.before


def _parts(hit: pb.SearchHit) -> tuple[SnippetPart, ...]:
    return tuple(SnippetPart(part.text, part.is_hit) for part in hit.snippet)
