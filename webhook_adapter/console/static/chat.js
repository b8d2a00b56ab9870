// One session: who and where, the conversation, the question that waits for an answer, the composer.

import { get } from "./api.js";
import { composer } from "./composer.js";
import { attribute, h, icon, list, text } from "./dom.js";
import { messageKey, messageRow } from "./messages.js";
import { confirmed, pendingBeside } from "./outgoing.js";
import { attempt } from "./notices.js";
import { needsYou, stateChip } from "./sessions.js";
import { day, sessionName } from "./words.js";

const NEAR_END = 90;
const NEAREST = 50; // words that are asked for at first, as the console counts them

export function chatView(sessionId, poke) {
  const head = chatHead();
  const rows = h("ol", { class: "messages", "aria-label": "Conversation" });
  const older = h("button", { class: "button small older", type: "button", hidden: true, onclick: () => earlier() }, "Earlier");
  const asked = h("ol", { class: "asked", "aria-label": "Waits for your answer" });
  const empty = h("div", { class: "empty" });
  const scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Conversation" }, older, empty, rows);
  const jump = h("button", { class: "button jump", type: "button", hidden: true }, icon("down"), "New messages");
  const field = composer(sessionId, turned);
  const node = h("div", { class: "view chat" }, head.node, scroller, h("div", { class: "foot" }, jump, asked, field.node));
  let nearest = null;
  let answer = null;
  let depth = NEAREST;
  let overview = null;
  let count = 0;
  let shownDepth = depth;
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
  const latest = () => overview;
  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
  const scrollDown = () => (scroller.scrollTop = scroller.scrollHeight);

  /** What is near is asked for again and again; what is far only when that has changed. */
  async function load() {
    const near = await get("chat", { session: sessionId });
    if (near !== nearest || answer === null) await look(near);
    nearest = near;
    confirmed(sessionId, new Set(answer.items.map((item) => item.command_id)));
  }

  async function look(near) {
    answer = depth === NEAREST ? near : await get("chat", { session: sessionId, depth });
  }

  /** Twice as far back; what one reads stays where it is. */
  function earlier() {
    return attempt(older, async () => {
      depth *= 2;
      await look(nearest);
      const below = scroller.scrollHeight - scroller.scrollTop;
      pinned = false;
      render();
      scroller.scrollTop = scroller.scrollHeight - below;
    });
  }

  function render() {
    const session = overview?.sessions.find((one) => one.session_id === sessionId);
    if (!session) return unknown();
    const machine = overview.machines.find((one) => one.machine_id === session.machine_id);
    const away = machine ? !machine.connected : !session.connected;
    head.update(session, away);
    field.node.hidden = false;
    field.update(session, away, overview.machines);
    if (answer === null) return;
    const stay = pinned || count === 0;
    const open = questions(answer.items, session);
    const beside = answer.items.filter((item) => !open.includes(item));
    const shown = conversation(beside, context(session, latest, poke), overview.machines, answer.gap_at, earlier);
    older.hidden = !answer.more;
    empty.hidden = shown.length + open.length > 0;
    if (!empty.hidden) empty.replaceChildren(...nothingSaid(session));
    list(rows, shown, messageKey, messageRow);
    list(asked, open.map((item) => ({ ...item, ...context(session, latest, poke) })), messageKey, messageRow);
    asked.hidden = open.length === 0;
    if (stay) scrollDown();
    else if (shown.length > count && depth === shownDepth) jump.hidden = false;
    count = shown.length;
    shownDepth = depth;
  }

  function unknown() {
    field.node.hidden = true;
    if (answer === null) return; // what was just started is not in an overview from before
    empty.replaceChildren(h("h2", {}, "There is no such session"), h("p", {}, "It may have been removed. ", h("a", { href: "#/" }, "See what is running.")));
  }

  function update(next) {
    overview = next;
    render();
  }
  return { node, sessionId, title: () => head.name(), load, update, focus: () => field.focus() };
}

/** The open questions; of a session that waits for a person in another way, its last words, if nothing was sent since. */
function questions(items, session) {
  if (session.state === "ended") return [];
  const open = items.filter((item) => item.is_question && item.buttons.length > 0);
  const last = items.at(-1);
  return open.length > 0 || !needsYou(session) || last?.kind !== "said" ? open : [last];
}

/** What each row needs besides itself. */
function context(session, overview, poke) {
  return {
    overview,
    poke,
    sessionId: session.session_id,
    name: sessionName(session),
    over: session.state === "ended",
    tells: !["unknown", "ended"].includes(session.state),
  };
}

/** Messages and pending ones with a mark at each new day, and at a gap. */
function conversation(items, shared, known, gapAt, earlier) {
  const machines = new Map(known.map((machine) => [machine.machine_id, machine]));
  const repeated = new Set(items.map((item) => item.redrive_of).filter(Boolean));
  const [newest, entry] = items.filter((item) => item.kind === "command").slice(-2).reverse();
  const shown = [];
  let today = "";
  for (const item of items) {
    if (item.created_at === gapAt && item.kind === "command") shown.push({ kind: "gap", key: "gap", created_at: gapAt, earlier });
    if (day(item.created_at) !== today) shown.push({ kind: "day", created_at: item.created_at });
    today = day(item.created_at);
    shown.push({ ...item, ...shared, machine: machines.get(item.machine_id), newest: item === newest, entry: item === entry, repeated: repeated.has(item.command_id) });
  }
  return [...shown, ...pendingBeside(shared.sessionId, items)];
}

function nothingSaid(session) {
  if (session.state === "ended") return [h("h2", {}, "Nothing was said here")];
  return [
    h("h2", {}, "Nothing said yet"),
    h("p", {}, `What you write below is typed into ${sessionName(session)}. What it has to say appears here.`),
  ];
}

function chatHead() {
  const name = h("h1", {});
  const more = h("span", { class: "quiet head-more" });
  const dot = h("span", { class: "dot", "aria-hidden": "true" });
  const where = h("span", { class: "where" });
  const state = h("span", { class: "chip" });
  const back = h("a", { class: "button ghost back", href: "#/", "aria-label": "Back to the sessions" }, icon("back"));
  const node = h("header", { class: "head" }, back, h("div", { class: "head-words" }, name, h("p", { class: "quiet" }, dot, more, where)), state);
  function update(session, away) {
    text(name, sessionName(session));
    text(more, session.distinction ? `${session.distinction} · ` : "");
    attribute(node, "data-needy", needsYou(session));
    attribute(dot, "data-on", !away);
    text(where, [`${session.machine_id}${away ? " (away)" : ""}`, session.backend, session.cwd].filter(Boolean).join(" · "));
    attribute(where, "title", session.session_id);
    stateChip(state, session);
  }
  return { node, update, name: () => name.textContent };
}
