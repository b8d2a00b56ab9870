"""A question in an issue, and what its answer proposes: from the comment to the start, through the adapter."""

from tests.integration.router.test_binding_proposals import BOTH
from tests.integration.webhook_adapter.transports.github.test_way_in import Scene, scene
from tests.rigs.proposals import PROMPT, begun, offered, starts, tells
from webhook_adapter.transports.github.outbound import text
from webhook_adapter.transports.transport import Button

__all__ = ["scene"]  # the fixture


def test_a_number_under_what_a_model_proposes_begins_it_once(scene: Scene) -> None:
    with scene.machine.connected(**BOTH) as link, scene.router.courier("github") as courier:
        scene.says("@pointsman ask how do I fix the tests?")
        assert scene.delivered() == [200]
        tells(link, begun(link), prompt=PROMPT)
        shown = offered(courier).notification
        button = Button(shown.buttons[0].label, f"cmd:{shown.token}:{shown.buttons[0].action}")
        offer = f"{shown.text}\n\n{text.options((button,), text.Place('pointsman', is_private=False))}"
        with scene.github.world.changed:
            app = scene.github.app
            scene.github.world.add_comment(scene.issue, offer, app.bot, kind="ic", app_id=app.id)
        scene.github.clock.advance(10)
        scene.says("@pointsman 1", scene.mallory)
        assert scene.delivered() == [200]
        assert starts(scene.router.control) == []

        for _ in range(2):
            scene.says("@pointsman 1")
            assert scene.delivered(2) == [200, 200]
        [frame] = link.commands(1)

        assert frame.action.start_session.prompt.startswith(f"{PROMPT}\n\n(ada asks this in acme/api#1 on GitHub.")
        assert (frame.action.start_session.folder, frame.action.start_session.platform) == ("/src", "github")
        assert len(starts(scene.router.control)) == 1
