// How far a command got: stations on a line, each with its time. A program that tells nothing has no last one.

import { attribute, h, list, text } from "./dom.js";
import { ENDED_BADLY, LIVE, clock, hover, why } from "./words.js";

/** A text or a file, which a program works on; an answer and its like are done at once. */
const isTyped = ({ key, brings = "input" }) => !key && ["input", "file", "start_session"].includes(brings);

/** The stations of a command: {name, at, state}, state one of passed, now, held, ahead, bad. */
export function stations(command, away, tells) {
  const { typed_at, ended_at, finished_at, taken_at } = command;
  const done = command.state === "done";
  const all = [
    { name: "Accepted", at: command.created_at },
    { name: "On the machine", at: command.received_at ?? (done ? (typed_at ?? ended_at) : null) },
    { name: command.key ? "Pressed" : isTyped(command) ? "Typed in" : "Done", at: done ? (typed_at ?? ended_at) : null },
  ];
  if (taken_at || finished_at || (tells && isTyped(command))) {
    all.push({ name: finished_at || !taken_at ? "Finished" : "Working on it", at: finished_at });
  }
  const reached = all.findIndex((station) => station.at === null);
  const line = all.map((station, index) => ({ ...station, state: station.at === null ? "ahead" : "passed", index }));
  if (reached === -1) return line;
  if (command.state in ENDED_BADLY) {
    return [...line.slice(0, reached), { name: ENDED_BADLY[command.state], at: ended_at, state: "bad", index: reached }];
  }
  if (LIVE.includes(command.state)) line[reached].state = away ? "held" : "now";
  else if (taken_at) line[reached].state = "now";
  return line;
}

function headline(command, line, away) {
  if (command.state in ENDED_BADLY) return [ENDED_BADLY[command.state], why(command)].filter(Boolean).join(": ");
  if (LIVE.includes(command.state) && away) return `Waits for ${command.machine_id}, which is away`;
  if (command.reason === "NOT_TAKEN") return "Typed in, but not taken by the program";
  if (command.state === "done" && command.key) return "Pressed";
  const last = line.findLast((station) => station.state === "passed");
  const now = line.find((station) => station.state === "now" && station.index === 3);
  return now ? now.name : last.name;
}

/**
 * {node, update(command)}: the newest is open, to be watched; each older one is a line, opened by a click or, with the
 * arrow keys, from its neighbour.
 */
export function receipt() {
  const head = h("span", { class: "receipt-head" });
  const at = h("time", { class: "quiet" });
  const track = h("ol", { class: "track" });
  const summary = h("summary", {}, head, at);
  const node = h("details", { class: "receipt" }, summary, track);
  summary.addEventListener("keydown", stepAlong);
  let opened;
  function update(command) {
    const { machine, newest, entry, tells } = command;
    const away = machine ? !machine.connected : false;
    const line = stations(command, away, tells);
    const bad = command.state in ENDED_BADLY;
    const last = line.findLast((station) => station.at !== null);
    text(head, headline(command, line, away));
    text(at, clock(last.at));
    attribute(at, "title", hover(last.at));
    attribute(node, "data-state", bad ? "bad" : command.state);
    attribute(node, "data-watched", newest && !bad && !away);
    attribute(summary, "tabindex", newest || entry ? false : "-1");
    if (newest !== opened) node.open = opened = newest;
    list(track, line, (station) => station.index, () => stop());
  }
  return { node, update };
}

/** From one receipt to the next: the Tab key stops at the newest that is a line, and at no older one. */
function stepAlong(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  const all = [...event.currentTarget.closest(".messages").querySelectorAll(".receipt summary")];
  const next = all[all.indexOf(event.currentTarget) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function stop() {
  const name = h("span", { class: "stop-name" });
  const at = h("time", { class: "stop-time" });
  const node = h("li", { class: "stop" }, name, at);
  function update(station) {
    attribute(node, "data-state", station.state);
    attribute(node, "aria-current", station.state === "now" ? "step" : false);
    text(name, station.name);
    text(at, station.at === null ? "\u2013" : clock(station.at));
    attribute(at, "title", station.at === null ? false : hover(station.at));
  }
  return { node, update };
}
