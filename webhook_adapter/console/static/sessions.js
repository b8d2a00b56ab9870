// The list at the side: first the sessions that need a person, then the machines with the sessions on each.

import { attribute, h, list, text } from "./dom.js";
import { announce } from "./notices.js";
import { isFresh, isMuted } from "./unread.js";
import { SESSION_STATES, ago, count, fullName, hover, sessionName, since } from "./words.js";

const heard = new Map();
let listening = false;

/** {node, update(overview, openId)}; update gives how many sessions have words nobody has seen. */
export function sessionList(node) {
  const needy = h("ul", { class: "rows" });
  const first = h("section", { class: "machine", "aria-label": "Sessions that need you" }, needy);
  const groups = h("div", {});
  const empty = h("p", { class: "quiet pad" }, "No sessions yet.");
  const ended = h("ul", { class: "rows" });
  const over = h("details", { class: "over" }, h("summary", {}, "Ended"), ended);
  node.replaceChildren(empty, first, groups, over);

  function update(overview, openId) {
    overview.sessions.forEach(readOut);
    listening = true;
    const rows = overview.sessions.map((session) => ({ session, open: session.session_id === openId, fresh: isFresh(session, openId) }));
    const alive = rows.filter((row) => row.session.state !== "ended");
    const waiting = alive.filter((row) => needsYou(row.session));
    const several = overview.machines.length > 1;
    empty.hidden = alive.length > 0;
    over.hidden = alive.length === rows.length;
    first.hidden = waiting.length === 0;
    list(needy, waiting.map((row) => ({ ...row, machine: several ? row.session.machine_id : "" })), (row) => row.session.session_id, sessionRow);
    list(groups, byMachine(overview.machines, alive.filter((row) => !waiting.includes(row))), (group) => group.machine.machine_id, machineGroup);
    list(ended, rows.filter((row) => !alive.includes(row)).slice(-20), (row) => row.session.session_id, sessionRow);
    return rows.filter((row) => row.fresh).length;
  }
  return { node, update };
}

function byMachine(machines, rows) {
  const known = new Map(machines.map((machine) => [machine.machine_id, { machine, rows: [] }]));
  for (const row of rows) {
    const id = row.session.machine_id;
    if (!known.has(id)) known.set(id, { machine: { machine_id: id, connected: row.session.connected }, rows: [] });
    known.get(id).rows.push(row);
  }
  return [...known.values()].filter((group) => group.rows.length > 0);
}

function machineGroup() {
  const dot = h("span", { class: "dot", "aria-hidden": "true" });
  const name = h("span", { class: "machine-name" });
  const away = h("span", { class: "quiet" });
  const rows = h("ul", { class: "rows" });
  const node = h("section", { class: "machine" }, h("h2", {}, dot, name, away), rows);
  function update({ machine, rows: sessions }) {
    attribute(dot, "data-on", machine.connected);
    text(name, machine.machine_id);
    text(away, machine.connected ? "" : machine.last_seen_at ? `away, seen ${ago(machine.last_seen_at)}` : "away");
    attribute(away, "title", !machine.connected && machine.last_seen_at ? hover(machine.last_seen_at) : false);
    list(rows, sessions, (row) => row.session.session_id, sessionRow);
  }
  return { node, update };
}

/** It asks something, and its machine is there to take the answer. */
export const needsYou = (session) => (session.state === "waiting" || session.asks > 0) && session.connected;

/** What a session is doing; of a machine that is away, nobody knows. */
export function stateChip(node, session) {
  const away = !session.connected && session.state !== "ended";
  const state = needsYou(session) ? "waiting" : session.state;
  text(node, away ? "Away" : SESSION_STATES[state]);
  attribute(node, "data-state", away ? "away" : state);
}

function sessionRow() {
  const name = h("span", { class: "row-name" });
  const more = h("span", { class: "row-more" });
  const at = h("time", { class: "row-time" });
  const last = h("span", { class: "row-last" });
  const state = h("span", { class: "chip" });
  const link = h("a", { class: "row" }, name, at, more, last, state);
  function update({ session, open, fresh, machine }) {
    attribute(link, "href", `#/session/${encodeURIComponent(session.session_id)}`);
    attribute(link, "aria-current", open ? "page" : false);
    attribute(link, "data-fresh", fresh);
    attribute(link, "data-needy", needsYou(session));
    attribute(link, "data-muted", isMuted(session.session_id));
    text(more, [machine, session.distinction].filter(Boolean).join(" · "));
    more.hidden = more.textContent === "";
    text(name, sessionName(session));
    text(at, session.last ? since(session.last.at) : "");
    attribute(at, "title", session.last ? hover(session.last.at) : false);
    text(last, doing(session));
    stateChip(state, session);
  }
  return { node: h("li", {}, link), update };
}

/** What it asks for, else its last words. */
function doing({ state, waiting_for, asks, last }) {
  if (state === "waiting" && waiting_for) return `Waits: ${waiting_for}`;
  if (asks > 0) return `${count(asks, "question")} for you`;
  return last ? last.text : "Nothing said yet";
}

/** Tells screen readers what was said since the page was loaded. */
function readOut(session) {
  const { session_id: id, last } = session;
  if (listening && last && !isMuted(id) && heard.get(id) !== last.id) announce(`${fullName(session)} says: ${last.text}`);
  heard.set(id, last?.id);
}
