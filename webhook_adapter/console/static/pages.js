// The other pages: start, queue, machines, trace, passkey.

import { get, newKey, post } from "./api.js";
import { commandButtons } from "./commands.js";
import { dialog } from "./dialog.js";
import { attribute, commandLine, h, icon, list, text } from "./dom.js";
import { attempt } from "./notices.js";
import { addPasskey } from "./passkey.js";
import { startSession } from "./start.js";
import { ENDED_BADLY, agentName, ago, clock, commandText, count, fullName, hover, keyName, moment, why } from "./words.js";

export function page(title, lead, ...content) {
  const back = h("a", { class: "button ghost back", href: "#/", "aria-label": "Back to the sessions" }, icon("back"));
  const head = h("header", { class: "head" }, back, h("div", { class: "head-words" }, h("h1", {}, title), h("p", { class: "quiet" }, lead)));
  return h("div", { class: "view" }, head, h("div", { class: "scroller page" }, content));
}

/** What a newcomer does first; later, a place to rest. */
export function startView() {
  let machines = [];
  const hello = h("h1", {});
  const words = h("p", { class: "lead" });
  const start = h("button", { class: "button primary", type: "button", hidden: true, onclick: () => startSession(machines) }, "Start a session");
  const more = h("h2", { class: "more" }, "Add to it, at a computer");
  const steps = h("ol", { class: "steps" },
    step("Make a program a session", "It runs as always; from then on you can answer it from here.", commandLine("pointsman run -- claude")),
    step("Let Claude Code tell you when it needs you", "Its hooks then send its last words here, with buttons.", commandLine("pointsman hooks install")),
    step("Bring in another machine", "A join token lets it connect, once.", h("a", { class: "button", href: "#/machines" }, "Machines")));
  const node = h("div", { class: "view" }, h("div", { class: "scroller page start" }, h("img", { src: "/console/static/logo.svg", alt: "", width: "64", height: "64" }), hello, words, start, more, steps));
  function update(overview) {
    machines = overview.machines;
    const alive = overview.sessions.some((session) => session.state !== "ended");
    start.hidden = machines.length === 0;
    text(hello, alive ? "Pick a session" : "Welcome to Pointsman");
    text(words, alive ? "The list shows what each one said last." : welcome(machines));
  }
  return { node, title: () => "", load: async () => {}, update, focus() {} };
}

function welcome(machines) {
  if (machines.some((machine) => machine.connected)) return "No session runs yet. Start one:";
  return machines.length > 0 ? "No machine is connected now, and no session runs." : "No machine is known yet. “pointsman agent” connects one.";
}

function step(title, words, action) {
  return h("li", {}, h("h2", {}, title), h("p", { class: "quiet" }, words), action);
}

/** Where a person adds a passkey, with the code that was made on the machine. */
export function passkeyView() {
  const field = h("input", { id: "passkey-code", type: "text", "aria-label": "Code", required: true, maxlength: "64", autocomplete: "off", spellcheck: "false", placeholder: "xxxx-xxxx-xxxx" });
  const submit = h("button", { class: "button primary", type: "submit" }, "Add a passkey");
  const done = h("p", { class: "notice", role: "status", hidden: true }, "It is added. Where a rule wants a code of you, you can use it in its place.");
  const form = h("form", { class: "trace-form" }, field, submit);
  const how = h("p", { class: "quiet" }, "Whoever runs this makes the code, on the router’s machine: ", h("code", {}, "pointsman passkey NAME"));
  const node = page("Passkey", "Signs what a rule wants more for than a press", form, how, done);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    done.hidden = !(await attempt(submit, () => addPasskey(field.value.trim())));
    if (!done.hidden) field.value = "";
  });
  return { node, title: () => "Passkey", load: async () => {}, update() {}, focus: () => field.focus() };
}

export function queueView() {
  const dead = section("Needs a decision", "Nothing here. A command that could not be brought to its session waits here for you.");
  const queued = section("On the way", "Nothing is waiting. What you send to a machine that is away waits here.");
  const node = page("Queue", "Commands that have not ended, and those that were given up", dead.node, queued.node);
  let answer = null;
  let overview = null;
  function take(queue) {
    answer = queue;
  }
  function update(next) {
    overview = next;
    if (answer === null) return;
    const row = () => queueRow(() => overview);
    dead.show(answer.dead, (command) => command.command_id, row);
    queued.show(answer.queued, (command) => `${command.command_id} ${command.state}`, row);
  }
  return { node, page: "queue", title: () => "Queue", load: async () => {}, take, update, focus() {} };
}

function section(title, nothing) {
  const rows = h("ul", { class: "cards" });
  const empty = h("p", { class: "nothing" }, nothing);
  const node = h("section", {}, h("h2", {}, title), empty, rows);
  function show(items, keyOf, make) {
    empty.hidden = items.length > 0;
    list(rows, items, keyOf, make);
  }
  return { node, show };
}

function queueRow(overview) {
  const to = h("a", { class: "strong" });
  const at = h("time", { class: "quiet" });
  const words = h("p", { class: "quoted" });
  const state = h("p", {});
  const buttons = h("div", { class: "actions" });
  const node = h("li", { class: "card" }, h("div", { class: "meta" }, to, at), words, state, buttons);
  let offered;
  function update(command) {
    const session = overview().sessions.find((one) => one.session_id === command.session_id);
    attribute(to, "href", `#/session/${encodeURIComponent(command.session_id)}`);
    text(to, session ? fullName(session) : command.session_id);
    text(at, `${command.machine_id} · ${moment(command.created_at)}`);
    attribute(at, "title", hover(command.created_at));
    text(words, command.key ? `Key ${keyName(command.key)}` : commandText(command));
    const bad = command.state in ENDED_BADLY;
    attribute(state, "class", bad ? "bad-words" : "quiet");
    text(state, bad ? `${ENDED_BADLY[command.state]}: ${why(command)}` : onTheWay(command, session));
    if (offered !== command.state) buttons.replaceChildren(...commandButtons(command, overview));
    offered = command.state;
  }
  return { node, update };
}

function onTheWay(command, session) {
  if (command.state === "received") return `On ${command.machine_id}, waits for its turn`;
  if (command.state === "sent") return `Sent to ${command.machine_id}, not confirmed yet`;
  return session && !session.connected ? `Waits for ${command.machine_id}, which is away` : "Waits for its turn";
}

export function machinesView() {
  const add = h("button", { class: "button primary", type: "button", disabled: true }, "Add a machine"); // how, the overview says
  const all = section("Known machines", "No machine yet. Add one with the button above.");
  const node = page("Machines", "Where sessions can run", h("p", {}, add), all.node);
  let known = null;
  add.addEventListener("click", () => addMachine(known));
  function update(overview) {
    known = overview;
    add.disabled = false;
    const running = (machine) => overview.sessions.filter((one) => one.machine_id === machine.machine_id && one.state !== "ended").length;
    all.show(overview.machines.map((machine) => ({ ...machine, running: running(machine) })), (machine) => machine.machine_id, machineRow);
  }
  return { node, title: () => "Machines", load: async () => {}, update, focus() {} };
}

function machineRow() {
  const dot = h("span", { class: "dot", "aria-hidden": "true" });
  const name = h("span", { class: "strong" });
  const state = h("span", { class: "chip" });
  const words = h("p", { class: "quiet" });
  const agents = h("ul", { class: "agents", "aria-label": "Coding agents" });
  const node = h("li", { class: "card" }, h("div", { class: "meta" }, h("span", {}, dot, name), state), words, agents);
  function update(machine) {
    attribute(dot, "data-on", machine.connected);
    text(name, machine.machine_id);
    const shut = machine.closed_gates.some((gate) => gate.stops_link);
    const word = machine.revoked ? "Revoked" : machine.quarantined || shut ? "Held off" : machine.connected ? "Connected" : "Away";
    text(state, word);
    attribute(state, "data-state", machine.revoked || machine.quarantined || shut ? "bad" : machine.connected ? "idle" : "ended");
    const held = machine.quarantined && "Two processes use this identity. Stop one of them.";
    const gates = machine.closed_gates.map((gate) => gate.text).join(" ");
    const seen = !machine.connected && (machine.last_seen_at ? `last seen ${ago(machine.last_seen_at)}` : "never connected");
    const starts = machine.start_folders.length > 0 ? `starts sessions in ${machine.start_folders.join(", ")}` : "starts no sessions";
    const key = machine.key_made_at && `key made ${ago(machine.key_made_at)}${machine.key_wanted ? ", a new one is wanted" : ""}`;
    text(words, [count(machine.running, "session"), starts, machine.agent_version && `agent ${machine.agent_version}`, key, seen, held, gates].filter(Boolean).join(" · "));
    list(agents, machine.programs, (one) => one.name, agentRow);
    agents.hidden = machine.programs.length === 0;
    attribute(words, "title", seen && machine.last_seen_at ? hover(machine.last_seen_at) : false);
  }
  return { node, update };
}

function agentRow() {
  const what = h("span", { class: "strong" });
  const how = h("span", { class: "quiet" });
  const trouble = h("span", { class: "agent-trouble" });
  const node = h("li", {}, what, how, trouble);
  function update({ name, version, mode, lacks, login }) {
    text(what, [agentName(name), version].filter(Boolean).join(" "));
    text(how, [mode, login === "YES" && "a login is there"].filter(Boolean).map((one) => ` · ${one}`).join(""));
    text(trouble, [lacks, login === "NO" && "no login was found: start it once in a terminal there"].filter(Boolean).map((one) => ` · ${one}`).join(""));
  }
  return { node, update };
}

async function addMachine(known) {
  const name = h("input", { id: "machine", maxlength: "128", placeholder: "leave empty: its host name", autocomplete: "off", spellcheck: "false" });
  const key = newKey();
  let made = null;
  const wanted = await dialog("Add a machine", [
    h("p", { class: "quiet" }, "Makes a token that lets one machine in, once, within an hour."),
    h("label", { for: "machine" }, "Name (optional)"),
    name,
  ], "Make a token", async () => (made = await post("join-token", { machine_id: name.value, key })));
  if (wanted) await dialog("On the new machine, run", joinWords(made, known), "");
}

/** What to paste there, as it is. A router that listens on loopback is led over first: nothing else would reach it. */
function joinWords(made, { router, host }) {
  const loopback = /^(127\.|localhost|\[::1\])/.test(router);
  const port = router.replace(/^.*:/, "");
  return [
    loopback && [
      h("p", { class: "quiet" }, `The router listens on ${host} alone. This leads its port over, for as long as it runs:`),
      commandLine(`ssh -N -L ${port}:127.0.0.1:${port} ${host} &`),
      h("p", { class: "quiet" }, "Then:"),
    ],
    commandLine(`pointsman enroll ${loopback ? `127.0.0.1:${port}` : router} ${made.token}`),
    commandLine("pointsman agent"),
    h("p", { class: "quiet", title: hover(made.expires_at) }, `Shown only here, good until ${clock(made.expires_at)}.`),
  ].flat().filter(Boolean);
}

export function traceView(id) {
  const field = h("input", { id: "trace-id", value: id, placeholder: "id of a command, a notification or an update", "aria-label": "Id", spellcheck: "false", autocomplete: "off", required: true });
  const form = h("form", { class: "trace-form" }, field, h("button", { class: "button primary", type: "submit" }, "Show"));
  const steps = h("ol", { class: "story" });
  const words = h("p", { class: "nothing" });
  const node = page("Trace", "Every step of one command, from door to terminal", form, words, steps);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = `#/trace/${encodeURIComponent(field.value.trim())}`;
  });
  let answer = { steps: [] };
  async function load() {
    if (id === "") return;
    try {
      answer = await get("trace", { id });
    } catch (error) {
      if (error.status !== 404) throw error;
      answer = { steps: [] };
    }
  }
  function update() {
    words.hidden = answer.steps.length > 0;
    text(words, id === "" ? "Open the receipt of a message you sent: Trace is under it. Or paste an id here." : "Nothing is known under this id.");
    list(steps, answer.steps.map((one, index) => ({ ...one, index })), (one) => one.index, storyStep);
  }
  return { node, title: () => "Trace", load, update, focus: () => field.focus() };
}

function storyStep(item) {
  const change = [item.from_state, item.to_state].filter(Boolean).join(" → ").toLowerCase();
  const by = [item.actor && `by ${item.actor}`, item.detail].filter(Boolean).join(" · ");
  const node = h("li", {},
    h("div", { class: "meta" }, h("span", { class: "strong" }, item.event), item.at && h("time", { class: "quiet", title: hover(item.at) }, preciseClock(item.at))),
    change && h("p", {}, change),
    by && h("p", { class: "quiet" }, by));
  return { node, update() {} };
}

const preciseClock = (seconds) => `${clock(seconds)}.${String(Math.floor((seconds % 1) * 1000)).padStart(3, "0")}`;
