"""What happens in a world: what people do, and what breaks, and when. All of it from the seed."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.domain.frames import Notify
from router.domain.command import CommandState
from tests.sim.programs import AgentProgram, Program

if TYPE_CHECKING:
    from tests.sim.world import World

KEEPALIVE = (30.0, 40.0)  # seconds after which a silent stream is found dead
BAD = {state.value for state in (CommandState.DEAD, CommandState.UNCERTAIN, CommandState.EXPIRED)}
Happening = Callable[["World"], object]


async def unfold(world: "World") -> None:
    """Let everything happen, at random moments of the span."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    moments = sorted(world.random.uniform(0.0, world.size.span) for _ in range(world.size.events))
    weights = [weight for weight, _ in world.happenings.values()]
    names = world.random.choices(list(world.happenings), weights, k=len(moments))
    for moment, name in zip(moments, names, strict=True):
        await asyncio.sleep(max(0.0, began + moment - loop.time()))
        world.record.happened[name] = world.record.happened.get(name, 0) + 1
        world.happenings[name][1](world)


def heal(world: "World") -> None:
    """From now on nothing breaks."""
    world.note("world", "heals")
    for program in everything(world):
        program.disk.trouble = ""
        if program.turns is not None:
            program.turns.armed = None


def everything(world: "World") -> list[Program]:
    """All programs that can die."""
    return [world.router, world.courier, *world.agents.values()]


def _session(world: "World") -> str:
    return world.random.choice(list(world.programs))


def _agent(world: "World") -> AgentProgram:
    return world.random.choice(list(world.agents.values()))


def _write(world: "World") -> None:
    world.people.write(_session(world))


def _burst(world: "World") -> None:
    session_id = _session(world)
    for _ in range(world.random.randint(2, 4)):
        world.people.write(session_id)


def _send(world: "World") -> None:
    world.people.send(_session(world), world.random.choice([None, 5.0, 60.0]))


def _press(world: "World") -> None:
    world.people.press(_session(world))


def _cancel(world: "World") -> None:
    if known := [wish for wish in world.record.wishes.values() if wish.command_id]:
        world.people.cancel(world.random.choice(known[-5:]))


def _redrive(world: "World") -> None:
    bad = {message.command_id for message in world.record.messages if message.state in BAD}
    if known := [wish for wish in world.record.wishes.values() if wish.command_id in bad]:
        world.people.redrive(world.random.choice(known))


def _notify(world: "World") -> None:
    agent = _agent(world)
    if agent.link_handler is None:
        return
    notice = Notify(world.new_id(), world.random.choice(world.sessions_of(agent.name)), "look")
    agent.outbox.append(notice).add_done_callback(lambda done: _noticed(world, agent, notice, done))


def _noticed(world: "World", agent: AgentProgram, notice: Notify, done: "asyncio.Future[int]") -> None:
    if not done.cancelled() and done.exception() is None:
        world.record.notices[notice.notification_id] = agent.name


def _restart_session(world: "World") -> None:
    session_id = _session(world)
    agent = world.agents[session_id.partition("-")[0]]
    world.programs[session_id] = str(int(world.programs[session_id]) + 1)
    world.note(session_id, f"is restarted: program {world.programs[session_id]}")
    if agent.link_handler is not None:
        agent.life.spawn(agent.introduce(session_id))


def _cut(world: "World") -> None:
    if (link := _agent(world).link) is not None:
        link.cut(world.random.choice((0.0, 2.0)), world.random.choice((0.0, 2.0)))


def _fall_silent(world: "World") -> None:
    if (link := _agent(world).link) is not None:
        up, down = world.random.choice(((True, True), (True, False), (False, True)))
        link.swallow(up=up, down=down, notice_after=world.random.uniform(*KEEPALIVE))


def _supersede(world: "World") -> None:
    """The agent comes again while the router still believes in the old link."""
    if (link := _agent(world).link) is not None:
        if world.random.random() < 0.5:
            link.up.stall(world.random.uniform(1.0, 40.0))
            link.down.cut(0.0)
        else:
            link.cut(world.random.uniform(*KEEPALIVE), 0.0)


def _stall(world: "World") -> None:
    if (link := _agent(world).link) is not None:
        pipe = world.random.choice((link.up, link.down))
        pipe.stall(world.random.choice((0.5, 3.0, 35.0)))


def _cut_courier(world: "World") -> None:
    if world.courier.stream is not None:
        world.courier.stream.cut(world.random.choice((0.0, 30.0)), 0.0)


def _kill_router(world: "World") -> None:
    world.router.life.kill()


def _kill_agent(world: "World") -> None:
    _agent(world).life.kill()


def _kill_courier(world: "World") -> None:
    world.courier.life.kill()


def _arm(program: Program) -> None:
    if program.turns is not None:
        random = program.world.random
        program.turns.armed = (random.randint(0, 5), random.choice(("before", "after")))


def _arm_router(world: "World") -> None:
    _arm(world.router)


def _arm_agent(world: "World") -> None:
    _arm(_agent(world))


def _sicken(world: "World") -> None:
    program = world.random.choice((world.router, _agent(world)))
    program.disk.trouble = world.random.choice(("full", "locked"))
    world.note(program.name, f"disk: {program.disk.trouble}")
    world.later(world.random.choice((0.1, 1.0, 5.0)), _recover, program)


def _recover(program: Program) -> None:
    program.disk.trouble = ""


def _step_clock(world: "World") -> None:
    """Set the wall clock of a machine; its programs see it when they start again."""
    program = world.random.choice((world.router, _agent(world)))
    program.skew += world.random.choice((-90_000.0, -3_600.0, -1.0, 1.0, 3_600.0, 90_000.0))
    world.note(program.name, f"wall clock is set: {program.skew:+.0f} s")


def _back_up(world: "World") -> None:
    """Copy a disk as it is, with what waits on it."""
    agent = _agent(world)
    if agent.life.alive and agent.disk.connection is not None:
        agent.backup = (agent.stored_epoch(), agent.disk.connection.serialize())


def _lose_inbox(world: "World") -> None:
    """An agent loses its disk, or gets an old one back."""
    agent = _agent(world)
    agent.life.kill()
    world.record.lost_inboxes.add(agent.name)
    untold = "SELECT payload FROM outbox WHERE kind = 'notify' UNION ALL SELECT payload FROM held_notices"
    for (payload,) in agent.rows(untold):
        world.record.notices = {one: m for one, m in world.record.notices.items() if f'"{one}"' not in payload}
    older = agent.backup is not None and agent.backup[0] < _heard_epoch(world, agent.name)
    world.note(agent.name, "gets an old disk back" if older else "loses its disk")
    agent.disk.content = agent.backup[1] if older and agent.backup else world.fresh_agent_disk()
    agent.backup = None


def _heard_epoch(world: "World", name: str) -> int:
    """The newest link on which a machine said something: no older copy of its disk can pass (docs/simulation.md)."""
    said = f"SELECT heard_epoch FROM machines WHERE machine_id = '{name}'"
    confirmed = f"SELECT epoch FROM commands WHERE machine_id = '{name}' AND state = 'received'"
    return max((epoch for (epoch,) in world.router.rows(f"{said} UNION {confirmed}")), default=0)


HAPPENINGS: dict[str, tuple[float, Happening]] = {
    "write": (30, _write),
    "burst": (8, _burst),
    "send": (8, _send),
    "press a key": (4, _press),
    "cancel": (6, _cancel),
    "redrive": (2, _redrive),
    "notify": (7, _notify),
    "restart a session": (2, _restart_session),
    "cut a link": (4, _cut),
    "silence a link": (2, _fall_silent),
    "supersede a link": (3, _supersede),
    "stall a link": (3, _stall),
    "cut the courier's link": (1, _cut_courier),
    "kill the router": (2, _kill_router),
    "kill an agent": (3, _kill_agent),
    "kill the courier": (1, _kill_courier),
    "kill the router at a commit": (3, _arm_router),
    "kill an agent at a commit": (4, _arm_agent),
    "disk trouble": (2, _sicken),
    "step a clock": (2, _step_clock),
    "back up an agent's disk": (1, _back_up),
    "lose an agent's disk": (0.7, _lose_inbox),
}
