// Starting a session from the page: on which machine, in which of its folders, with what to do.

import { newKey, post } from "./api.js";
import { dialog } from "./dialog.js";
import { h, text } from "./dom.js";
import { agentName } from "./words.js";

const USUAL = "claude";
const MODEL = "model"; // which needs no folder

const NOWHERE =
  "No machine lets sessions be started from here yet. At a machine: set POINTSMAN_START_FOLDERS to folders where they may, such as ~/src, and start its agent again.";

export const mayStart = (machine) => machine.start_folders.length > 0 && !machine.revoked && machine.closed_gates.length === 0;

/** Asks what to start and opens what was started. `given` may hold a machine, a folder and a prompt to begin with. */
export async function startSession(machines, given = {}) {
  const open = machines.filter(mayStart);
  const shut = machines.flatMap((one) => (one.revoked ? [] : one.closed_gates.map((gate) => gate.text))).join(" ");
  if (open.length === 0) return dialog("Start a session", h("p", {}, shut || NOWHERE), "");
  const machine = h("select", { id: "start-machine" }, machines.filter((one) => !one.revoked).map(machineOption));
  machine.value = (open.find((one) => one.machine_id === given.machine) ?? open.find((one) => one.connected) ?? open[0]).machine_id;
  const folder = h("select", { id: "start-folder" });
  const below = h("input", { id: "start-below", maxlength: "2000", placeholder: "the folder itself", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const agent = h("select", { id: "start-agent" });
  const which = h("div", {}, h("label", { for: agent.id }, "Coding agent"), agent);
  const words = h("p", { class: "quiet" });
  const where = h("div", {}, h("label", { for: folder.id }, "Folder"), folder, h("label", { for: below.id }, "Below it (optional)"), below);
  const tell = () => {
    where.hidden = agent.value === MODEL;
    text(words, where.hidden ? "A model answers at once, in a chat of its own here. It has no folder and no tools." : `${agentName(agent.value)} begins there, without a terminal, and answers in a chat of its own here.`);
  };
  const prompt = h("textarea", { id: "start-prompt", rows: "3", maxlength: "65536", required: true, placeholder: "Fix the failing test in…" });
  const offer = () => {
    const chosen = open.find((one) => one.machine_id === machine.value);
    const folders = chosen.machine_id === given.machine && given.folder ? [given.folder, ...chosen.start_folders] : chosen.start_folders;
    folder.replaceChildren(...[...new Set(folders)].map((name) => h("option", { value: name }, name)));
    const before = agent.value;
    const there = agentsOf(chosen);
    agent.replaceChildren(...there.map(({ name, version }) => h("option", { value: name }, [agentName(name), version].filter(Boolean).join(" "))));
    agent.value = there.some((one) => one.name === before) ? before : there[0].name;
    which.hidden = there.length < 2 && there[0].name === USUAL;
    tell();
  };
  agent.addEventListener("change", tell);
  machine.addEventListener("change", offer);
  offer();
  prompt.value = given.prompt ?? "";
  prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) prompt.form.requestSubmit();
  });
  return dialog("Start a session", fields({ words, which, machine, where, prompt }), "Start", begin({ agent, machine, folder, below, prompt }));
}

function machineOption(machine) {
  const note = !mayStart(machine) ? " (allows no starts)" : machine.connected ? "" : " (away: starts when it is back)";
  return h("option", { value: machine.machine_id, disabled: !mayStart(machine) }, `${machine.machine_id}${note}`);
}

/** The coding agents of a machine that may be started there; one that tells of none has the usual one. */
export function agentsOf({ programs, policy }) {
  const allowed = programs.filter(({ name }) => policy.programs.length === 0 || policy.programs.includes(name));
  const first = allowed.filter(({ name }) => name === USUAL);
  return allowed.length > 0 ? [...first, ...allowed.filter(({ name }) => name !== USUAL)] : [{ name: USUAL, version: "" }];
}

function fields({ words, which, machine, where, prompt }) {
  const labelled = (label, field) => [h("label", { for: field.id }, label), field];
  return [
    words,
    ...labelled("What it should do", prompt),
    ...labelled("Machine", machine),
    which,
    where,
  ];
}

/** What the dialog does. The key changes with the words: sent again, the same words start nothing twice. */
function begin({ agent, machine, folder, below, prompt }) {
  let key = newKey();
  let said = "";
  return async () => {
    const inside = below.value.trim().replace(/^\/+/, "");
    const place = agent.value === MODEL ? null : [folder.value.replace(/\/$/, ""), inside].filter(Boolean).join("/");
    const wanted = { machine_id: machine.value, folder: place, prompt: prompt.value, agent: agent.value === USUAL ? null : agent.value };
    if (said !== "" && said !== JSON.stringify(wanted)) key = newKey();
    said = JSON.stringify(wanted);
    const started = await post("start", { ...wanted, key });
    location.hash = `#/session/${encodeURIComponent(started.session_id)}`;
  };
}
