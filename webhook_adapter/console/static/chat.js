// One session: who and where, the conversation, the composer.

import { get } from "./api.js";
import { composer } from "./composer.js";
import { attribute, h, icon, list, text } from "./dom.js";
import { messageKey, messageRow } from "./messages.js";
import { confirmed, pendingBeside } from "./outgoing.js";
import { stateChip } from "./sessions.js";
import { day, sessionName } from "./words.js";

const NEAR_END = 90;

export function chatView(sessionId, poke) {
  const head = chatHead();
  const rows = h("ol", { class: "messages", "aria-label": "Conversation" });
  const empty = h("div", { class: "empty" });
  const scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Conversation" }, empty, rows);
  const jump = h("button", { class: "button jump", type: "button", hidden: true }, icon("down"), "New messages");
  const field = composer(sessionId, turned);
  const node = h("div", { class: "view chat" }, head.node, scroller, h("div", { class: "foot" }, jump, field.node));
  let items = null;
  let overview = null;
  let count = 0;
  let pinned = true;

  function turned(arrived) {
    render();
    if (arrived) poke();
  }

  jump.addEventListener("click", () => scrollDown());
  scroller.addEventListener("scroll", () => {
    pinned = atEnd();
    if (pinned) jump.hidden = true;
  });
  // A phone's keyboard, a growing field, a banner: the last words stay in sight.
  new ResizeObserver(() => pinned && scrollDown()).observe(scroller);
  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
  const scrollDown = () => (scroller.scrollTop = scroller.scrollHeight);

  async function load() {
    const answer = await get("chat", { session: sessionId });
    items = answer.items;
    confirmed(sessionId, new Set(items.map((item) => item.command_id)));
  }

  function render() {
    const session = overview?.sessions.find((one) => one.session_id === sessionId);
    if (!session) return unknown();
    const machine = overview.machines.find((one) => one.machine_id === session.machine_id);
    const away = machine ? !machine.connected : !session.connected;
    head.update(session, away);
    field.update(session, away);
    if (items === null) return;
    const stay = pinned || count === 0;
    const shown = conversation(items, { session, overview, poke });
    empty.hidden = shown.length > 0;
    if (shown.length === 0) empty.replaceChildren(...nothingSaid(session));
    list(rows, shown, messageKey, messageRow);
    if (stay) scrollDown();
    else if (shown.length > count) jump.hidden = false;
    count = shown.length;
  }

  function unknown() {
    if (!overview) return;
    empty.replaceChildren(h("h2", {}, "There is no such session"), h("p", {}, "It may have been removed. ", h("a", { href: "#/" }, "See what is running.")));
    field.node.hidden = true;
  }

  function update(next) {
    overview = next;
    render();
  }
  return { node, sessionId, title: () => head.name(), load, update, focus: () => field.focus() };
}

/** Messages and pending ones with a mark at each new day, each knowing what its row needs besides itself. */
function conversation(items, { session, overview, poke }) {
  const sessions = () => overview.sessions;
  const machines = new Map(overview.machines.map((machine) => [machine.machine_id, machine]));
  const repeated = new Set(items.map((item) => item.redrive_of).filter(Boolean));
  const newest = items.findLast((item) => item.kind === "command");
  const shared = { sessions, poke, sessionId: session.session_id, name: sessionName(session), over: session.state === "ended" };
  const shown = [];
  let today = "";
  for (const item of items) {
    if (day(item.created_at) !== today) shown.push({ kind: "day", created_at: item.created_at });
    today = day(item.created_at);
    shown.push({ ...item, ...shared, machine: machines.get(item.machine_id), newest: item === newest, repeated: repeated.has(item.command_id) });
  }
  return [...shown, ...pendingBeside(session.session_id, items)];
}

function nothingSaid(session) {
  return [
    h("h2", {}, "Nothing said yet"),
    h("p", {}, `What you write below is typed into ${sessionName(session)}. What it has to say appears here.`),
  ];
}

function chatHead() {
  const name = h("h1", {});
  const dot = h("span", { class: "dot", "aria-hidden": "true" });
  const where = h("span", { class: "where" });
  const state = h("span", { class: "chip" });
  const back = h("a", { class: "button ghost back", href: "#/", "aria-label": "Back to the sessions" }, icon("back"));
  const node = h("header", { class: "head" }, back, h("div", { class: "head-words" }, name, h("p", { class: "quiet" }, dot, where)), state);
  function update(session, away) {
    text(name, sessionName(session));
    attribute(dot, "data-on", !away);
    text(where, [`${session.machine_id}${away ? " (away)" : ""}`, session.backend, session.cwd].filter(Boolean).join(" · "));
    attribute(where, "title", session.session_id);
    stateChip(state, session);
  }
  return { node, update, name: () => name.textContent };
}
