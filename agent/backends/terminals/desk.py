"""When keys were last pressed in terminals that somebody else made, as tmux and nvim know it; never which keys.

What is typed from here passes no client of tmux and no keyboard of nvim, and so is told apart from what people type.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from agent.backends.terminals.nvim import Editor
from agent.backends.terminals.tmux_server import TmuxServer
from agent.domain.session import Session

LIMIT = 2.0
"""Seconds for an answer; an editor at a prompt of its own gives none."""

_CLIENTS = "#{client_control_mode} #{client_pid} #{pane_id} #{client_activity}"

# Asked for the first time, it begins to note when and in which buffer a key is pressed. A mapping's keys are none.
_KEYS = """json_encode(luaeval('(function()
  local keys = package.loaded.pointsman_desk
  if not keys then
    keys = {}
    package.loaded.pointsman_desk = keys
    vim.on_key(function(_, typed)
      if typed ~= "" then keys[vim.api.nvim_get_current_buf()] = (vim.uv or vim.loop).now() end
    end, vim.api.nvim_create_namespace("pointsman_desk"))
  end
  local told = {}
  for buffer, at in pairs(keys) do
    local known, job = pcall(vim.api.nvim_buf_get_var, buffer, "terminal_job_pid")
    if known then table.insert(told, {job, at}) else keys[buffer] = nil end
  end
  return told
end)()'))"""


@dataclass(frozen=True, slots=True)
class Key:
    """The last one that somebody pressed."""

    place: str  # a pane or a job, as targets name it
    mark: str  # another one after each key


Keys = Mapping[str, Key]
"""By who pressed it: a client of tmux, a terminal of nvim."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A tmux server or an nvim, asked once for all of its terminals."""

    kind: str
    address: str

    async def keys(self) -> Keys:
        """Raises TerminalError or ValueError where it does not tell."""
        return await (_of_tmux if self.kind == "pane" else _of_nvim)(self.address)


def where(session: Session) -> tuple[Desk, str] | None:
    """At which desk its terminal stands, and which one it is there."""
    target = session.target
    if "pane" in target:
        return Desk("pane", target.get("server", "")), target["pane"]
    if "socket" in target and "job" in target:
        return Desk("socket", target["socket"]), target["job"]
    return None


async def _of_tmux(address: str) -> Keys:
    """By a process: a client in control mode that comes each time would count as somebody who is attached."""
    lines = (await TmuxServer(address, LIMIT).run("list-clients", "-F", _CLIENTS)).splitlines()
    clients = (line.split() for line in lines)
    # A client in control mode is a program: no key comes through it.
    return {pid: Key(pane, mark) for control, pid, pane, mark in clients if control == "0"}


async def _of_nvim(address: str) -> Keys:
    told = json.loads(await Editor(address, LIMIT).ask(_KEYS))
    return {str(job): Key(str(job), str(mark)) for job, mark in told}
