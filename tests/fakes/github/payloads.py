"""What GitHub says of its things, in answers and in webhooks: what anybody reads, and some that is there anyway."""

from tests.fakes.github.credentials import App, Installation
from tests.fakes.github.world import CheckRun, Comment, Issue, Json, Repository, User, stamp

ROOT = "https://api.github.example"
PAGE = "https://github.example"


def user(who: User | None) -> Json | None:
    """Somebody; null where they deleted their account."""
    if who is None:
        return None
    return {
        "login": who.login,
        "id": who.id,
        "node_id": f"U_{who.id}",
        "avatar_url": f"{PAGE}/avatars/{who.id}",
        "url": f"{ROOT}/users/{who.login}",
        "html_url": f"{PAGE}/{who.login}",
        "type": who.type,
        "site_admin": False,
    }


def repository(it: Repository) -> Json:
    return {
        "id": it.id,
        "node_id": f"R_{it.id}",
        "name": it.name,
        "full_name": it.full_name,
        "private": it.private,
        "visibility": "private" if it.private else "public",
        "owner": user(it.owner),
        "html_url": f"{PAGE}/{it.full_name}",
        "url": f"{ROOT}/repos/{it.full_name}",
        "clone_url": f"{PAGE}/{it.full_name}.git",
        "default_branch": "main",
        "archived": False,
        "fork": False,
    }


def issue(it: Issue) -> Json:
    told = {
        "id": it.id,
        "node_id": f"I_{it.id}",
        "number": it.number,
        "state": it.state,
        "locked": it.locked,
        "title": it.title,
        "body": it.body or None,
        "user": user(it.user),
        "labels": [],
        "author_association": "NONE",
        "html_url": f"{PAGE}/{it.repository.full_name}/issues/{it.number}",
        "url": f"{ROOT}/repos/{it.repository.full_name}/issues/{it.number}",
        "comments": 0,
        "created_at": "2026-11-01T00:00:00Z",
        "updated_at": "2026-11-01T00:00:00Z",
        "closed_at": None,
    }
    if it.pull:
        told["pull_request"] = {"url": f"{ROOT}/repos/{it.repository.full_name}/pulls/{it.number}"}
    return told


def pull(it: Issue) -> Json:
    assert it.pull
    told, head = issue(it), it.pull
    del told["pull_request"]
    base = {"ref": "main", "sha": head.base_sha, "repo": repository(it.repository), "label": "base", "user": None}
    # A fork is a repository of its own, whatever it is called.
    own = {"id": it.repository.id + 1_000_000, "fork": True} if head.fork else {}
    from_repository = None if head.head_repository_gone else repository(it.repository) | {"fork": False} | own
    return told | {
        "url": f"{ROOT}/repos/{it.repository.full_name}/pulls/{it.number}",
        "html_url": f"{PAGE}/{it.repository.full_name}/pull/{it.number}",
        "merged": head.merged,
        "merged_at": "2026-11-01T00:00:00Z" if head.merged else None,
        "draft": head.draft,
        "head": {"ref": head.head_ref, "sha": head.head_sha, "repo": from_repository, "label": "head", "user": None},
        "base": base,
    }


def comment(it: Comment, app: App) -> Json:
    place = "pulls" if it.kind == "rc" else "issues"
    where = f"{it.issue.repository.full_name}/{place}"
    told = {
        "id": it.id,
        "node_id": f"C_{it.key}",
        "body": it.body,
        "user": user(it.user),
        "author_association": "NONE",
        "created_at": stamp(it.created_at),
        "updated_at": stamp(it.updated_at),
        "html_url": f"{PAGE}/{where}/{it.issue.number}#{it.key}",
        "url": f"{ROOT}/repos/{where}/comments/{it.id}",
        "performed_via_github_app": {"id": it.app_id, "slug": app.slug} if it.app_id else None,
    }
    if it.kind == "ic":
        return told | {"issue_url": f"{ROOT}/repos/{where}/{it.issue.number}"}
    assert it.issue.pull
    return told | ({"in_reply_to_id": it.in_reply_to} if it.in_reply_to else {}) | {
        "pull_request_review_id": 1,
        "path": "src/main.py",
        "line": 3,
        "original_line": 3,
        "side": "RIGHT",
        "commit_id": it.issue.pull.head_sha,
        "diff_hunk": "@@ -1,3 +1,3 @@",
        "pull_request_url": f"{ROOT}/repos/{where}/{it.issue.number}",
    }  # fmt: skip


def check_run(it: CheckRun, app: App) -> Json:
    """As GitHub tells it: the actions are not echoed, and a fork's commit belongs to no pull request here."""
    pulls = [
        {"number": each.number, "head": {"ref": each.pull.head_ref, "sha": it.head_sha}}
        for each in it.repository.issues.values()
        if each.pull and each.pull.head_sha == it.head_sha and not each.pull.fork
    ]
    output = {"title": None, "summary": None, "text": None} | it.output
    return {
        "id": it.id,
        "node_id": f"CR_{it.id}",
        "name": it.name,
        "head_sha": it.head_sha,
        "external_id": it.external_id,
        "status": it.status,
        "conclusion": it.conclusion,
        "started_at": stamp(it.created_at),
        "completed_at": stamp(it.completed_at) if it.completed_at else None,
        "details_url": it.details_url,
        "html_url": f"{PAGE}/{it.repository.full_name}/runs/{it.id}",
        "url": f"{ROOT}/repos/{it.repository.full_name}/check-runs/{it.id}",
        "output": output | {"annotations_count": 0, "annotations_url": ""},
        "check_suite": {"id": 1, "head_branch": None if not pulls else pulls[0]["head"]["ref"]},
        "app": {"id": it.app_id, "slug": app.slug, "name": app.slug, "owner": None},
        "pull_requests": pulls,
    }


def event(it: Repository, sender: User, app: App, action: str, **more: object) -> Json:
    """A webhook's payload about a repository."""
    found = next((each for each in app.installations.values() if it.id in each.repositories), None)
    told: Json = {"action": action, "repository": repository(it), "sender": user(sender), **more}
    if it.owner.type == "Organization":
        told["organization"] = {"id": it.owner.id, "login": it.owner.login}
    if found:
        told["installation"] = {"id": found.id, "node_id": f"IN_{found.id}"}
    return told


def installation(it: Installation, app: App) -> Json:
    return {
        "id": it.id,
        "app_id": app.id,
        "app_slug": app.slug,
        "account": user(it.account),
        "permissions": it.permissions,
        "events": app.events,
        "repository_selection": "selected",
        "suspended_at": "2026-11-01T00:00:00Z" if it.suspended else None,
        "target_id": it.account.id,
        "target_type": it.account.type,
    }
