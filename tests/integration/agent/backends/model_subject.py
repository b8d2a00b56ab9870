"""A session with a model alone, as one of those whose promises are judged."""

from typing import Any

from agent.domain.session import Session
from tests.integration.agent.backends.model_scene import ModelScene
from tests.integration.agent.backends.notes import Notes
from tests.integration.agent.backends.subjects import LONG, Hosted
from tests.rigs.agent_rig import eventually


class OfModel(Hosted):
    """A model behind an endpoint, without a program: what can die is the connection."""

    async def _made(self, notes: Notes) -> tuple[Session, Any]:
        self._scene = self.stack.enter_context(ModelScene(self._folder, notes))
        return self._scene.session, self._scene.backend

    def given(self) -> list[str]:
        return self._scene.endpoint.prompts

    def running(self) -> tuple[int, ...]:
        return tuple(range(self._scene.backend.under_way))

    async def kill(self) -> None:
        """The connection breaks, once it is there: it is refused before, without harm."""
        self._scene.endpoint.cut()
        await eventually(self._is_cut, LONG)

    def _is_cut(self) -> bool:
        self._scene.endpoint.cut()
        return not self._scene.backend.under_way

    async def ends(self) -> None:
        await self._scene.backend.release(self.session)
