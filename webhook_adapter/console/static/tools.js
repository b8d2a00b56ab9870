// What a session does beside talking: its tools, folded to a line each with how far it is, and its plans as lists.

import { codeBlock } from "./code.js";
import { diffBlock, difference } from "./diff.js";
import { attribute, h, icon, list, text } from "./dom.js";
import { clock, hover } from "./words.js";

const STATES = { PENDING: "not begun", RUNNING: "running", DONE: "done", FAILED: "failed" };
const VERBS = { READ: "Read", EDIT: "Edit", RUN: "Run", SEARCH: "Search", FETCH: "Fetch" };
const SMALL = 30; // lines of a diff that stands open by itself
const MOST = 8_000; // characters of an output before somebody wants more
const opened = new Map(); // by row: what somebody opened or closed stays so while rows come and go

export function toolRow(item) {
  const mark = h("span", { class: "tool-mark", "aria-hidden": "true" });
  const name = h("span", { class: "tool-name" });
  const title = h("span", { class: "tool-title" });
  const state = h("span", { class: "unseen" });
  const at = h("time", { class: "tool-time" });
  const kind = h("span", { class: "tool-kind", "aria-hidden": "true" }, icon(item.toolKind.toLowerCase()));
  const summary = h("summary", {}, kind, name, title, at, mark, state);
  const body = h("div", { class: "tool-body" });
  const box = h("details", { class: "tool" }, summary, body);
  const node = h("li", { class: "did", "data-inner": Boolean(item.parentId) }, box);
  let shown = "";
  let current = item;
  const fill = () => {
    const now = `${current.state} ${current.output.length} ${current.diff.length} ${current.input.length}`;
    if (!box.open || now === shown) return;
    shown = now;
    body.replaceChildren(...inside(current));
  };
  summary.addEventListener("click", () => opened.set(current.key, !box.open));
  box.addEventListener("toggle", fill);
  function update(tool) {
    current = tool;
    attribute(box, "data-state", tool.state.toLowerCase());
    text(name, label(tool));
    text(title, tool.title || (tool.name ? "" : tool.output.split("\n")[0]));
    attribute(title, "title", tool.title || false);
    text(state, `, ${STATES[tool.state] ?? ""}`);
    text(at, clock(tool.created_at));
    attribute(at, "title", hover(tool.created_at));
    const wanted = tool.state.toLowerCase();
    if (mark.dataset.state !== wanted) mark.replaceChildren(icon(wanted));
    mark.dataset.state = wanted;
    const byItself = tool.diff !== "" && tool.diff.split("\n").length <= SMALL;
    box.open = opened.get(tool.key) ?? byItself;
    fill();
  }
  return { node, update };
}

/** "Run", or what an MCP server calls it. */
function label({ name, toolKind }) {
  if (!name) return "Tool";
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return server ? `${tool} (${server})` : (VERBS[toolKind] ?? name);
}

/** What it was given, what it changed, what it said. */
function inside(tool) {
  const given = json(tool.input);
  const parts = [];
  if (tool.diff) parts.push(diffBlock(tool.diff));
  else if (given) parts.push(...asked(tool, given));
  else if (tool.input) parts.push(codeBlock(tool.input, ""));
  if (tool.output) parts.push(output(tool));
  if (tool.state === "RUNNING" && !tool.output) parts.push(h("p", { class: "quiet" }, "No output yet."));
  return parts;
}

function asked(tool, given) {
  const change = changeOf(tool.name, given);
  if (change) return change;
  const { command, description, ...rest } = given;
  const parts = [];
  if (typeof description === "string") parts.push(h("p", { class: "quiet" }, description));
  if (typeof command === "string") parts.push(codeBlock(command, "bash"));
  const kept = Object.entries(rest).filter(([, value]) => String(value) !== tool.title);
  if (kept.length > 0) parts.push(codeBlock(JSON.stringify(Object.fromEntries(kept), null, 2), "json"));
  return parts;
}

/** What an editing tool would change, as diffs; null for other tools. */
export function changeOf(name, given) {
  const path = given.file_path ?? given.notebook_path ?? "";
  if (Array.isArray(given.edits)) return given.edits.map((edit) => diffBlock(difference(String(edit.old_string ?? ""), String(edit.new_string ?? "")), path));
  if (typeof given.old_string === "string" && typeof given.new_string === "string") {
    const everywhere = given.replace_all ? h("p", { class: "hint" }, "Everywhere in the file.") : null;
    return [everywhere, diffBlock(difference(given.old_string, given.new_string), path)].filter(Boolean);
  }
  if (name === "Write" && typeof given.content === "string") return [diffBlock(given.content.split("\n").map((line) => `+${line}`).join("\n"), path)];
  return null;
}

function output(tool) {
  const cut = tool.output.length > MOST;
  const pre = h("pre", { class: "tool-output", tabindex: "0", "aria-label": "What it said", "data-bad": tool.state === "FAILED" }, cut ? `…${tool.output.slice(-MOST)}` : tool.output);
  if (!cut) return pre;
  const more = h("button", { class: "button ghost small", type: "button" }, "Show all of it");
  more.addEventListener("click", () => {
    text(pre, tool.output);
    more.remove();
  });
  return h("div", {}, more, pre);
}

/** An object, or null for what is cut off, or none. */
export function json(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

export function planRow() {
  const sums = h("span", { class: "quiet" });
  const entries = h("ul", { class: "plan-entries" });
  const box = h("details", { class: "plan" }, h("summary", {}, h("span", { class: "tool-kind", "aria-hidden": "true" }, icon("plan")), h("span", { class: "tool-name" }, "Plan"), sums), entries);
  const node = h("li", { class: "did" }, box);
  let was;
  function update(plan) {
    const done = plan.entries.filter((entry) => entry.state === "DONE").length;
    text(sums, `${done} of ${plan.entries.length} done`);
    list(entries, plan.entries.map((entry, index) => ({ ...entry, index })), (entry) => entry.index, planEntry);
    if (was !== plan.isOld) box.open = !plan.isOld;
    was = plan.isOld;
  }
  return { node, update };
}

function planEntry() {
  const mark = h("span", { class: "tool-mark", "aria-hidden": "true" });
  const words = h("span", {});
  const state = h("span", { class: "unseen" });
  const node = h("li", {}, mark, words, state);
  function update(entry) {
    const wanted = (entry.state ?? "PENDING").toLowerCase();
    attribute(node, "data-state", wanted);
    if (mark.dataset.state !== wanted) mark.replaceChildren(icon(wanted));
    mark.dataset.state = wanted;
    text(words, entry.text ?? "");
    text(state, `, ${STATES[entry.state] ?? "not begun"}`);
  }
  return { node, update };
}
