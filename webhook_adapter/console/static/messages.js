// The messages of a conversation: what a session said, what was sent to it, what is still on its way to the router.

import { newKey, post } from "./api.js";
import { commandButtons } from "./commands.js";
import { attribute, h, list, text } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { prose } from "./prose.js";
import { ownWords, secondFactor } from "./question.js";
import { receipt } from "./receipt.js";
import { bytes, clock, commandText, day, hover, keyName, sender } from "./words.js";

const PRESSED = "pointsman:pressed";
const pressed = JSON.parse(sessionStorage.getItem(PRESSED) ?? "{}");

/** The row maker for list(): one kind of row for each kind of item. */
export function messageRow(item) {
  return { said: saidRow, command: commandRow, pending: pendingRow, day: dayRow, gap: gapRow }[item.kind](item);
}

export const messageKey = (item) => `${item.kind} ${item.notification_id ?? item.command_id ?? item.key ?? item.created_at ?? ""}`;

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
  const words = item.is_question ? ownWords(item) : null;
  const proof = item.is_question ? secondFactor(item) : null;
  const files = item.files.length === 0 ? null : h("p", { class: "files" }, item.files.map(fileLink));
  const node = h("li", { class: "said" }, h("div", { class: "meta" }, from, time(item.created_at)), bubble, files, buttons, proof?.node, words?.node, trouble);
  let says;
  function update({ name, sessionId, text: words_now, buttons: choices, state, detail, transport, notification_id, over, poke }) {
    text(from, name);
    if (says !== words_now) bubble.replaceChildren(prose(words_now));
    says = words_now;
    words?.update(choices.length > 0 && !over);
    proof?.update(choices.length > 0 && !over);
    const lost = state === "refused" || state === "dead";
    trouble.hidden = !lost;
    text(trouble, lost ? `Not delivered to ${transport}: ${detail || "given up after a day of trying"}` : "");
    buttons.hidden = choices.length === 0;
    list(buttons, choices.map((choice) => ({ ...choice, sessionId, notification_id, over, poke, prove: proof?.show })), (choice) => choice.data, choiceButton);
  }
  return { node, update };
}

function fileLink({ name, size, url }) {
  return h("a", { class: "file", href: url, download: name }, `📎 ${name}, ${bytes(size)}`);
}

function choiceButton(choice) {
  const node = h("button", { class: "button choice", type: "button" }, choice.label);
  async function press() {
    const { data, notification_id: message_id, sessionId: session, poke, prove } = choice;
    const key = newKey();
    let told;
    const press = async () => (told = await post("press", { session, data, message_id, key }));
    if (!(await attempt(node, press))) return;
    if (told.needs_second_factor) return prove();
    tellUnlessSent(told);
    pressed[message_id] = data;
    sessionStorage.setItem(PRESSED, JSON.stringify(pressed));
    poke();
  }
  node.addEventListener("click", () => node.getAttribute("aria-disabled") || press());
  function update({ data, notification_id, over }) {
    const answer = pressed[notification_id];
    attribute(node, "aria-pressed", answer === data ? "true" : false);
    attribute(node, "aria-disabled", answer !== undefined || over ? "true" : false);
  }
  return { node, update };
}

/** What became no command, somebody wants to know why. */
function tellUnlessSent({ command_id, answer }) {
  if (command_id === "" && answer !== "") toast(answer);
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
    buttons.replaceChildren(...commandButtons(shown, command.overview, command.poke));
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
