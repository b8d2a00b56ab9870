"""What can be wrong with GitHub: the App's file, whether GitHub knows it, and what its owner has given it."""

from collections.abc import Iterator

from pointsman.config import Settings, child_environment
from pointsman.doctor.findings import Finding, fail, ok, warn
from pointsman.settings import Program


def github(settings: Settings) -> Iterator[Finding]:
    if not settings["POINTSMAN_GITHUB_APP"]:
        yield ok("github", "off; `pointsman github setup` turns it on")
        return
    from webhook_adapter.config import ConfigError
    from webhook_adapter.transports.github import app_setup
    from webhook_adapter.transports.github.outbound.client import GitHubClient
    from webhook_adapter.transports.github.outbound.http import GitHubError
    from webhook_adapter.transports.github.settings import from_environ

    try:
        here = from_environ(child_environment(settings, Program.COURIER))
        client = GitHubClient(here.app.app_id, here.app.private_key, here.api) if here else None
    except (ConfigError, ValueError) as error:
        yield fail("github", str(error), "`pointsman github setup --replace` makes another App.")
        return
    if here is None or client is None:
        return
    # One call shows both: that GitHub takes the key, and what came with it.
    try:
        lacks = app_setup.lacking(client)
    except GitHubError as error:
        cure = (
            "Is this machine's clock right, and was the App deleted? `pointsman github setup --replace` makes another."
        )
        yield fail("github", f"GitHub does not let the App in: {error}", cure)
        return
    finally:
        client.close()
    for lack in lacks:
        yield warn("github", f"the App lacks {lack}", "Give it on the App's page, and accept it where it is installed.")
    if not lacks:
        way = "deliveries come" if settings["POINTSMAN_PUBLIC_URL"] else "its log is asked every 10 s"
        yield ok("github", f"the App {here.app.slug} has what it needs; {way}")
