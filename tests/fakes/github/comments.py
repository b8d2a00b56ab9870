"""Comments of issues and of reviews, and the reactions to them."""

from datetime import datetime

from tests.fakes.github import payloads
from tests.fakes.github.events import Events
from tests.fakes.github.places import Places
from tests.fakes.github.request import Answer, Call, Route, page, route
from tests.fakes.github.throttle import Weight
from tests.fakes.github.world import NOT_BY_INTEGRATION, NOT_FOUND, ApiError, Comment, Issue, World

MOST_CHARACTERS = 65_536  # as the refusal says
MOST_BYTES = 262_144  # as was measured
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")
_POST, _CHANGE = Weight(write=True, content=True, notifies=True), Weight(write=True, content=True)
_WRITE = Weight(write=True)


class Comments:
    """Their endpoints. `strict`: the smaller of the two bounds for a body holds, as on Enterprise Server."""

    def __init__(self, world: World, places: Places, events: Events) -> None:
        self._world, self._places, self._events = world, places, events
        self.strict = True

    def routes(self) -> list[Route]:
        issues, pulls = "/repos/{owner}/{repo}/issues", "/repos/{owner}/{repo}/pulls"
        of_kind = [
            each
            for base, kind in ((issues, "ic"), (pulls, "rc"))
            for each in (
                route("GET", f"{base}/comments/{{id}}", lambda call, k=kind: self._get(call, k)),
                route("PATCH", f"{base}/comments/{{id}}", lambda call, k=kind: self._edit(call, k), _CHANGE),
                route("DELETE", f"{base}/comments/{{id}}", lambda call, k=kind: self._delete(call, k), _WRITE),
                route("GET", f"{base}/comments/{{id}}/reactions", lambda call, k=kind: self._reactions(call, k)),
                route("POST", f"{base}/comments/{{id}}/reactions", lambda call, k=kind: self._react(call, k), _WRITE),
                route(
                    "DELETE",
                    f"{base}/comments/{{id}}/reactions/{{reaction}}",
                    lambda call, k=kind: self._unreact(call, k),
                    _WRITE,
                ),
            )
        ]
        return [
            *of_kind,
            route("GET", f"{issues}/{{number}}/comments", self._list),
            route("POST", f"{issues}/{{number}}/comments", self._post, _POST),
            route("POST", f"{pulls}/{{number}}/comments/{{root}}/replies", self._reply, _POST),
            route("GET", f"{pulls}/{{number}}/comments", lambda call: self._list(call, "rc")),
        ]

    def _list(self, call: Call, kind: str = "ic") -> Answer:
        issue = self._places.issue(call)
        since = call.text("since")
        after = datetime.fromisoformat(since).timestamp() if since else 0.0
        found = [
            payloads.comment(each, call.caller.app)
            for each in self._world.comments.values()
            if each.issue is issue and each.kind == kind and each.updated_at >= after
        ]
        return Answer(200, page(found, call))

    def _post(self, call: Call) -> Answer:
        issue = self._writable(call)
        return self._made(call, issue, "ic", 0)

    def _reply(self, call: Call) -> Answer:
        issue = self._writable(call)
        root = self._world.comments.get(f"rc{call.names['root']}")
        if root is None or root.issue is not issue:
            raise ApiError(404, NOT_FOUND)
        if root.in_reply_to:
            raise ApiError(422, "Validation Failed", errors=["in_reply_to is a reply itself"])
        return self._made(call, issue, "rc", root.id)

    def _made(self, call: Call, issue: Issue, kind: str, reply_to: int) -> Answer:
        app, body = call.caller.app, self._body(call)
        made = self._world.add_comment(issue, body, app.bot, kind=kind, app_id=app.id, reply_to=reply_to)
        self._events.comment(made, "created", app.bot)
        return Answer(201, payloads.comment(made, app))

    def _get(self, call: Call, kind: str) -> Answer:
        return Answer(200, payloads.comment(self._found(call, kind), call.caller.app))

    def _edit(self, call: Call, kind: str) -> Answer:
        comment, body = self._own(call, kind), self._body(call)
        self._places.check_open(comment.issue)
        before, comment.body, comment.updated_at = comment.body, body, self._world.clock.now()
        if before != body:
            comment.edits.append((comment.updated_at, before))
            self._events.comment(comment, "edited", call.caller.app.bot, changes={"body": {"from": before}})
        return Answer(200, payloads.comment(comment, call.caller.app))

    def _delete(self, call: Call, kind: str) -> Answer:
        comment = self._own(call, kind)
        del self._world.comments[comment.key]
        self._world.deleted_comments.append(comment)
        self._events.comment(comment, "deleted", call.caller.app.bot)
        return Answer(204)

    def _react(self, call: Call, kind: str) -> Answer:
        comment, content = self._found(call, kind), call.body.get("content")
        call.caller.needs(_permission(comment.issue), "write")
        self._places.check_open(comment.issue)
        if content not in REACTIONS:
            raise ApiError(422, "Validation Failed", errors=[{"field": "content", "code": "invalid"}])
        bot = call.caller.app.bot
        for there, who, what in comment.reactions:
            if (who, what) == (bot.id, content):
                return Answer(200, {"id": there, "user": payloads.user(bot), "content": what})
        made = (self._world.new_id(), bot.id, str(content))
        comment.reactions.append(made)
        return Answer(201, {"id": made[0], "user": payloads.user(bot), "content": content})

    def _reactions(self, call: Call, kind: str) -> Answer:
        users = {each.id: each for each in self._world.users.values()}
        found = self._found(call, kind).reactions
        told = [{"id": there, "user": payloads.user(users[who]), "content": what} for there, who, what in found]
        return Answer(200, page(told, call))

    def _unreact(self, call: Call, kind: str) -> Answer:
        comment = self._found(call, kind)
        own = [each for each in comment.reactions if str(each[0]) == call.names["reaction"]]
        if not own or own[0][1] != call.caller.app.bot.id:
            raise ApiError(404, NOT_FOUND)
        comment.reactions.remove(own[0])
        return Answer(204)

    def _found(self, call: Call, kind: str) -> Comment:
        repository = self._places.repository(call)
        found = self._world.comments.get(f"{kind}{call.names['id']}")
        if found is None or found.issue.repository is not repository:
            raise ApiError(404, NOT_FOUND)
        return found

    def _own(self, call: Call, kind: str) -> Comment:
        comment = self._found(call, kind)
        call.caller.needs(_permission(comment.issue), "write")
        if comment.app_id != call.caller.app.id:
            raise ApiError(403, NOT_BY_INTEGRATION)
        return comment

    def _writable(self, call: Call) -> Issue:
        issue = self._places.issue(call)
        call.caller.needs(_permission(issue), "write")
        self._places.check_open(issue)
        return issue

    def _body(self, call: Call) -> str:
        body = call.body.get("body")
        if not isinstance(body, str) or not body.strip():
            raise ApiError(422, "Validation Failed", errors=[{"field": "body", "code": "missing_field"}])
        if len(body.encode()) > MOST_BYTES or (self.strict and len(body) > MOST_CHARACTERS):
            words = f"Body is too long (maximum is {MOST_CHARACTERS} characters)"
            raise ApiError(422, "Validation Failed", errors=[{"field": "body", "code": "custom", "message": words}])
        return body


def _permission(issue: Issue) -> str:
    return "pull_requests" if issue.pull else "issues"
