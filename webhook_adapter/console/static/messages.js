// The rows of a conversation: what was said at the desk and from afar, what the session does, what is still on its way to
// the router.

import { newKey, post } from "./api.js";
import { commandButtons } from "./commands.js";
import { attribute, h, list, text } from "./dom.js";
import { markdown } from "./markdown.js";
import { prose } from "./prose.js";
import { tellUnlessSent } from "./question.js";
import { attempt } from "./notices.js";
import { receipt } from "./receipt.js";
import { planRow, toolRow } from "./tools.js";
import { bytes, clock, commandText, day, hover, keyName, sender } from "./words.js";

const MOST_SHOWN = 8_000_000; // bytes of a picture that is shown by itself
const PRESSED = "pointsman:pressed";
const pressed = JSON.parse(sessionStorage.getItem(PRESSED) ?? "{}");

/** The row maker for list(): one kind of row for each kind of item. What the session did has its number. */
export function messageRow(item) {
  const row = MAKERS[item.kind](item);
  attribute(row.node, "data-seq", item.seq ?? false);
  return row;
}

export const messageKey = (item) => item.seq ? item.key : `${item.kind} ${item.notification_id ?? item.command_id ?? item.key ?? item.created_at ?? ""}`;

function dayRow(item) {
  return { node: h("li", { class: "day" }, h("span", {}, day(item.created_at))), update() {} };
}

function gapRow(item) {
  const words = h("span", {});
  const update = ({ created_at }) => text(words, `What was sent before ${clock(created_at)} is left out`);
  const load = h("button", { class: "button ghost small", type: "button", onclick: () => item.earlier() }, "Show more");
  return { node: h("li", { class: "day" }, words, load), update };
}

function time(seconds) {
  return h("time", { class: "quiet", title: hover(seconds), datetime: new Date(seconds * 1000).toISOString() }, clock(seconds));
}

function saidRow(item) {
  const from = h("span", { class: "from" });
  const trouble = h("p", { class: "notice bad" });
  const buttons = h("div", { class: "choices", role: "group", "aria-label": "Answers" });
  const bubble = h("div", { class: "bubble" });
  const files = item.files.length === 0 ? null : h("p", { class: "files" }, item.files.map(fileLink));
  const node = h("li", { class: "said" }, h("div", { class: "meta" }, from, time(item.created_at)), bubble, files, buttons, trouble);
  let says;
  function update({ who, sessionId, text: words, buttons: choices, state, detail, transport, notification_id, over }) {
    text(from, who);
    if (says !== words) bubble.replaceChildren((item.is_question ? prose : markdown)(words));
    says = words;
    const lost = state === "refused" || state === "dead";
    trouble.hidden = !lost;
    text(trouble, lost ? `Not delivered to ${transport}: ${detail || "given up after a day of trying"}` : "");
    buttons.hidden = choices.length === 0;
    list(buttons, choices.map((choice) => ({ ...choice, sessionId, notification_id, over })), (choice) => choice.data, choiceButton);
  }
  return { node, update };
}

/** Words that the session's own record holds: typed at the desk or sent from afar, or the agent's. */
function wordsRow(item) {
  if (item.by === "user") return typedRow(item);
  const from = h("span", { class: "from" });
  const bubble = h("div", { class: "bubble" }, item.by === "system" ? item.text : markdown(item.text));
  const node = h("li", { class: item.by === "system" ? "aside" : "said", "data-bad": item.isError }, item.by === "system" ? null : h("div", { class: "meta" }, from, time(item.created_at)), bubble);
  attribute(node, "title", item.by === "system" ? hover(item.created_at) : false);
  return { node, update: ({ who }) => text(from, who) };
}

/** What it is saying: it grows, until the whole of it takes its place. */
function sayingRow() {
  const from = h("span", { class: "from" });
  const bubble = h("div", { class: "bubble" });
  const node = h("li", { class: "said saying", "aria-hidden": "true" }, h("div", { class: "meta" }, from, h("span", { class: "quiet" }, "is writing")), bubble);
  let says;
  function update({ who, text: words }) {
    text(from, who);
    if (says !== words) bubble.replaceChildren(markdown(words));
    says = words;
  }
  return { node, update };
}

/** With how far what was sent from afar got, where it was. */
function typedRow(item) {
  const from = h("span", { class: "from" });
  const tracks = h("div", { class: "receipts" });
  const node = h("li", { class: "sent" }, h("div", { class: "meta" }, from, time(item.created_at)), h("div", { class: "bubble" }, prose(item.text)), tracks);
  function update({ commands, machines, tells, overview, repeatedIds }) {
    text(from, commands.length > 0 ? sender(commands[0]) || "You" : "At the desk");
    attribute(node, "data-desk", commands.length === 0);
    list(tracks, commands.map((command) => ({ ...command, machine: machines.get(command.machine_id), tells, overview, repeated: repeatedIds.has(command.command_id) })), (command) => command.command_id, joinedReceipt);
  }
  return { node, update };
}

function joinedReceipt() {
  const track = receipt();
  const buttons = h("div", { class: "actions", "data-quiet": "" });
  const node = h("div", {}, track.node, buttons);
  let offered;
  function update(command) {
    track.update({ ...command, newest: false, entry: false });
    const offer = `${command.state} ${command.dropped} ${command.repeated}`;
    if (offer === offered) return;
    offered = offer;
    buttons.replaceChildren(...commandButtons(command.repeated ? { ...command, state: "done" } : command, command.overview));
    attribute(buttons, "data-quiet", buttons.children.length === 1);
  }
  return { node, update };
}

/** "Finished": a message whose words stand above. */
function markRow(item) {
  const node = h("li", { class: "mark", title: hover(item.created_at) }, h("span", {}, item.text), " ", time(item.created_at));
  return { node, update() {} };
}

function missingRow(item) {
  return { node: h("li", { class: "day" }, h("span", {}, item.why)), update() {} };
}

const MAKERS = { said: saidRow, command: commandRow, pending: pendingRow, day: dayRow, gap: gapRow, words: wordsRow, tool: toolRow, plan: planRow, mark: markRow, missing: missingRow, saying: sayingRow };

function fileLink({ name, size, url }) {
  const link = h("a", { class: "file", href: url, download: name }, `📎 ${name}, ${bytes(size)}`);
  if (!/\.(?:png|jpe?g|gif|webp)$/i.test(name) || size > MOST_SHOWN) return link;
  const picture = h("img", { class: "picture", src: url.replace("/console/file", "/console/image"), alt: name, loading: "lazy", onerror: () => picture.remove() });
  return h("span", { class: "shown" }, picture, link);
}

function choiceButton(choice) {
  const node = h("button", { class: "button choice", type: "button" }, choice.label);
  async function press() {
    const { data, notification_id: message_id, sessionId: session } = choice;
    const key = newKey();
    if (!(await attempt(node, async () => tellUnlessSent(await post("press", { session, data, message_id, key }))))) return;
    pressed[message_id] = data;
    sessionStorage.setItem(PRESSED, JSON.stringify(pressed));
    update(choice);
  }
  node.addEventListener("click", () => node.getAttribute("aria-disabled") || press());
  function update({ data, notification_id, over }) {
    const answer = pressed[notification_id];
    attribute(node, "aria-pressed", answer === data ? "true" : false);
    attribute(node, "aria-disabled", answer !== undefined || over ? "true" : false);
  }
  return { node, update };
}

function commandRow(item) {
  const from = h("span", { class: "from" });
  const bubble = h("div", { class: "bubble" });
  const track = receipt();
  const output = h("pre", { class: "output", role: "group", "aria-label": "What it printed" });
  const buttons = h("div", { class: "actions" });
  const node = h("li", { class: "sent" }, h("div", { class: "meta" }, from, time(item.created_at)), bubble, track.node, output, buttons);
  if (item.key) bubble.append(h("kbd", {}, keyName(item.key)));
  else text(bubble, item.text);
  let offered;
  function update(command) {
    text(from, sender(command) || "You");
    attribute(node, "data-redrive", command.redrive_of !== "");
    track.update(command);
    output.hidden = command.state !== "done" || command.detail === "";
    text(output, command.detail);
    attribute(output, "tabindex", command.newest ? "0" : false);
    const offer = `${command.state} ${command.dropped} ${command.repeated}`;
    if (offer === offered) return;
    offered = offer;
    const shown = command.repeated ? { ...command, state: "done" } : command;
    buttons.replaceChildren(...commandButtons(shown, command.overview));
    attribute(buttons, "data-quiet", buttons.children.length === 1);
  }
  return { node, update };
}

function pendingRow(item) {
  const words = h("p", { class: "pending-words", role: "status" });
  const again = h("button", { class: "button small primary", type: "button" }, "Try again");
  const discard = h("button", { class: "button small", type: "button" }, "Discard");
  again.addEventListener("click", () => item.again());
  discard.addEventListener("click", () => item.discard());
  const node = h("li", { class: "sent pending" }, h("div", { class: "bubble" }, commandText({ key: "", text: item.text })), words, h("div", { class: "actions" }, again, discard));
  function update({ failure, waits }) {
    attribute(node, "data-failed", failure !== "");
    text(words, failure === "" ? "Sending…" : waits ? `Not sent yet: ${failure} Trying again…` : `Not sent: ${failure}`);
    again.hidden = failure === "" || waits;
    discard.hidden = failure === "";
  }
  return { node, update };
}
