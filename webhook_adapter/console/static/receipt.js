// How far a command got: four stations on a line, each with its time.

import { attribute, h, list, text } from "./dom.js";
import { ENDED_BADLY, LIVE, clock, fullTime, since, why } from "./words.js";

/** The stations of a command: {name, at, state}, state one of passed, now, held, ahead, bad. */
export function stations(command, away) {
  const { typed_at, ended_at, finished_at, taken_at } = command;
  const done = command.state === "done";
  const all = [
    { name: "Accepted", at: command.created_at },
    { name: "On the machine", at: command.received_at ?? (done ? (typed_at ?? ended_at) : null) },
    { name: "Typed in", at: done ? (typed_at ?? ended_at) : null },
    { name: finished_at || !taken_at ? "Finished" : "Working on it", at: finished_at },
  ];
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
  const last = line.findLast((station) => station.state === "passed");
  const now = line.find((station) => station.state === "now" && station.index === 3);
  return now ? now.name : last.name;
}

/** {node, update(command, machine, newest)}: opens by itself while there is something to watch. */
export function receipt() {
  const head = h("span", { class: "receipt-head" });
  const at = h("time", { class: "quiet" });
  const track = h("ol", { class: "track" });
  const node = h("details", { class: "receipt" }, h("summary", {}, head, at), track);
  let opened;
  function update(command, machine, newest) {
    const away = machine ? !machine.connected : false;
    const line = stations(command, away);
    const bad = command.state in ENDED_BADLY;
    const last = line.findLast((station) => station.at !== null);
    text(head, headline(command, line, away));
    text(at, clock(last.at));
    attribute(node, "data-state", bad ? "bad" : command.state);
    const open = newest || LIVE.includes(command.state) || bad;
    attribute(node, "data-watched", open && !bad && !away);
    if (open !== opened) node.open = opened = open;
    list(track, line, (station) => station.index, () => stop());
  }
  return { node, update };
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
    attribute(at, "title", station.at === null ? false : `${fullTime(station.at)} (${since(station.at)})`);
  }
  return { node, update };
}
