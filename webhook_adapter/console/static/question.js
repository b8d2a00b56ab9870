// A question that waits for an answer: what it is about as it can best be seen, the ways to answer, one's own words, and,
// where a rule wants it of whoever allows it, a code or a passkey. An answer names the message that asked it.

import { wishes } from "./api.js";
import { diffBlock } from "./diff.js";
import { attribute, h, text } from "./dom.js";
import { forms } from "./forms.js";
import { attempt, toast } from "./notices.js";
import { allowWithPasskey, hasPasskeys } from "./passkey.js";
import { prose } from "./prose.js";
import { changeOf, json } from "./tools.js";
import { ago, clock, hover, minute } from "./words.js";

// What chats tell: here the field is below.
const TELLS = /\n\n(?:Reply to this message to|Or reply to this message with)[^\n]*$/;
const RISKY = /^(⚠[^\n]*\n\n)?([^]*)$/;
const FIELD = /^(\w+): (.*)$|^(\w+):\n```\n([^]*?)\n```$/gm;

const MOST_FIELDS = 8; // of an input that is changed field by field
const GIVEN = { Edit: ["file_path", "old_string", "new_string", "replace_all"], Write: ["file_path", "content"] };

/** The row maker for list(): items of the stream's questions, with `name` where it is shown among others'. */
export function questionRow(item) {
  const from = h("span", { class: "from" });
  const at = h("time", { class: "quiet", title: hover(item.created_at) }, clock(item.created_at));
  const told = h("p", { class: "notice bad", role: "alert", hidden: true });
  const buttons = h("div", { class: "choices", role: "group", "aria-label": "Answers" });
  const state = { item, busy: false, told, buttons, wish: wishes() };
  const proof = secondFactor(state);
  const words = (state.words = ownWords(state));
  const edited = editor(state);
  const extra = item.form?.length > 0 ? forms(item, (answers) => respond(state, { answers }, proof)) : null;
  const node = h("li", { class: "said question", "data-question": item.permission_id }, h("div", { class: "meta" }, from, at), h("div", { class: "bubble", tabindex: "0", role: "group", "aria-label": "What it asks" }, subject(item)), extra, buttons, edited, proof.node, words, told);
  if (extra) buttons.hidden = true;
  buttons.append(...item.buttons.filter((button) => optionOf(button) !== "for").map((button) => choice(state, button, proof)), ...allowFor(state, proof));
  node.addEventListener("click", (event) => event.target.closest("[data-edit]") && edited.show());
  function update({ name, where }) {
    text(from, [name, where].filter(Boolean).join(" · "));
    attribute(at, "title", `${hover(item.created_at)}${item.expires_at ? `; nobody may answer after ${clock(item.expires_at)}` : ""}`);
  }
  return { node, update };
}

export const questionKey = (item) => `${item.notification_id} ${item.input_digest ?? ""} ${item.text.length}`;

/** The whole text is there; what the tool is given is shown as what it is, where all of that is understood. */
function subject(item) {
  const [, risk, words] = RISKY.exec(item.text.replace(TELLS, ""));
  const warning = risk && h("p", { class: "risk" }, risk.trim());
  const rich = richly(item);
  if (!rich) return h("div", {}, warning, prose(words));
  const [before, after] = words.split(item.input);
  const asIs = h("details", { class: "as-is" }, h("summary", {}, "As text"), prose(item.input));
  return h("div", { class: "prose" }, warning, prose(before), ...rich, asIs, after?.trim() ? prose(after) : null);
}

function richly(item) {
  if (item.kind !== "tool" || !item.input || item.text.split(item.input).length !== 2) return null;
  const path = json(item.input_json ?? "")?.file_path ?? "";
  if (item.diff) return [diffBlock(item.diff, path)];
  const given = json(item.input_cut ? "" : (item.input_json ?? "")) ?? fields(item.tool, item.input);
  return given && changeOf(item.tool, given);
}

/**
 * "name: value" and fenced values, as the agent writes them of what editing tools are given; null unless that is all there is.
 * A text that itself looks like fields hides nothing: each may be there once, and none but these.
 */
function fields(tool, input) {
  const found = {};
  let sound = true;
  const left = input.replace(FIELD, (_, short, value, long, block) => {
    const name = short ?? long;
    sound &&= Boolean(GIVEN[tool]?.includes(name)) && !(name in found);
    found[name] = value ?? block;
    return "";
  });
  if (!sound || left.trim() !== "" || !["True", "False", undefined].includes(found.replace_all)) return null;
  return { ...found, replace_all: found.replace_all === "True" };
}

function choice(state, button, proof) {
  const node = h("button", { class: "button choice", type: "button", "data-verdict": verdictOf(state.item, button) }, button.label);
  node.addEventListener("click", () => node.getAttribute("aria-disabled") || press(node));
  async function press() {
    const done = await attempt(node, () => respond(state, { button }, proof));
    if (done && state.answered) attribute(node, "aria-pressed", "true");
  }
  return node;
}

/** For how long the same may be allowed, where the router offers that: exactly this, in this session. */
function allowFor(state, proof) {
  const offered = state.item.buttons.find((button) => optionOf(button) === "for");
  if (!offered) return [];
  const token = offered.data.split(":").slice(0, 2).join(":");
  const until = evening();
  const spans = [["2 hours, here", 120], [`Until ${minute(until / 1000)}, here`, Math.ceil((until - Date.now()) / 60_000)]];
  const menu = h("div", { class: "choices for", role: "group", "aria-label": "For how long", hidden: true }, spans.map(([label, minutes]) => choice(state, { label: `⏱ ${label}`, data: `${token}:for-${minutes}` }, proof)),
    (state.item.options ?? []).filter((option) => option.verdict === "allow_always").map((option) => choice(state, { label: `${option.label || "Always"}: as the program means it`, data: `${token}:${option.option_id}` }, proof)));
  const open = h("button", { class: "button choice", type: "button", "aria-expanded": "false" }, offered.label);
  open.addEventListener("click", () => {
    menu.hidden = !menu.hidden;
    attribute(open, "aria-expanded", String(!menu.hidden));
    if (!menu.hidden) menu.firstChild.focus();
  });
  return [open, menu];
}

/** When the day is over, for whoever sits here: 20:00, or at midnight where that is near. In milliseconds. */
function evening() {
  const at = new Date();
  const now = at.getTime();
  at.setHours(20, 0, 0, 0);
  if (at.getTime() - now < 30 * 60_000) at.setHours(24, 0, 0, 0);
  return at.getTime();
}

const optionOf = (button) => button.data.split(":").slice(2).join(":");

function verdictOf({ options = [] }, button) {
  const name = optionOf(button);
  return options.find((option) => option.option_id === name || name.endsWith(option.option_id))?.verdict || ({ allow: "allow", deny: "deny" }[name] ?? "");
}

/** Sends an answer for exactly this question; what stands in its way is told beside it. */
async function respond(state, given, proof) {
  const { item, told } = state;
  const common = { message_id: item.notification_id };
  told.hidden = true;
  const { button, ...rest } = given;
  const answer = button ? await state.wish("press", { ...common, session: item.session_id, data: button.data }) : await state.wish("answer", { ...common, input_digest: item.input_digest, ...rest });
  if (answer.needs_second_factor || answer.reason === "SECOND_FACTOR_NEEDED") return proof.show();
  if (answer.command_id === "" && answer.answer) {
    text(told, answer.answer);
    told.hidden = false;
    return undefined;
  }
  state.answered = true;
  for (const one of state.buttons.children) attribute(one, "aria-disabled", "true");
  return undefined;
}

/** One of several that are answered at once: whether it was. Raises what stands in its way. */
export async function answerOne(item, verdict) {
  const button = item.buttons.find((each) => verdictOf(item, each) === verdict);
  const answer = await wishes()("press", { session: item.session_id, message_id: item.notification_id, data: button.data });
  if (answer.command_id === "") throw new Error(answer.answer || "It was not answered.");
}

/** Whether a plain yes or no is among the ways to answer it. */
export const canAnswer = (item, verdict) => item.buttons.some((each) => verdictOf(item, each) === verdict);

function ownWords(state) {
  const { item } = state;
  const wanted = item.kind === "question" ? "Your own answer" : "A reason to deny, or your own answer";
  const field = h("input", { type: "text", maxlength: "65536", autocomplete: "off", enterkeyhint: "send", "aria-label": wanted, placeholder: item.kind === "tool" ? "Deny with a reason…" : item.kind === "plan" ? "What to change…" : "Your own answer" });
  const submit = h("button", { class: "button small", type: "submit" }, "Answer");
  const node = h("form", { class: "own-words" }, field, submit);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    const words = field.value.trim();
    const sent = { session: item.session_id, message_id: item.notification_id, text: words };
    if (words === "" || !(await attempt(submit, () => taken(state.wish("send", sent))))) return;
    field.value = "";
  });
  return node;
}

/** {node, show()}: there once somebody has to prove who they are. */
function secondFactor({ item, wish }) {
  const { session_id: session, notification_id: message_id } = item;
  const field = h("input", { type: "text", inputmode: "numeric", pattern: "[0-9]{6}", maxlength: "6", required: true, autocomplete: "one-time-code", "aria-label": "Code of your authenticator app", placeholder: "Six digits of your authenticator app" });
  const submit = h("button", { class: "button small primary", type: "submit" }, "Allow with the code");
  const passkey = h("button", { class: "button small", type: "button", hidden: !hasPasskeys() }, "Use a passkey");
  const node = h("form", { class: "own-words second-factor", hidden: true }, field, submit, passkey);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    await attempt(submit, () => taken(wish("send", { session, message_id, text: field.value })));
    field.value = "";
  });
  passkey.addEventListener("click", () => attempt(passkey, () => taken(allowWithPasskey(message_id))));
  function show() {
    node.hidden = false;
    field.focus();
  }
  return { node, show };
}

/** Where the input may be changed before it is allowed: a field for each of its texts, or all of it as JSON. */
function editor(state) {
  const { item } = state;
  const node = h("form", { class: "edited", hidden: true });
  if (!item.editable) return Object.assign(node, { show() {} });
  const allow = item.options.find((option) => option.verdict === "allow");
  const input = inputFields(json(item.input_json));
  const submit = h("button", { class: "button small primary", type: "submit" }, "Allow this instead");
  const close = h("button", { class: "button small", type: "button", onclick: () => turn(false) }, "Leave it as it is");
  node.append(h("p", { class: "quiet" }, "Allow it with another input"), input.node, h("div", { class: "actions" }, submit, close, input.toggle));
  const open = h("button", { class: "button choice", type: "button", "data-edit": "" }, "Change it…");
  queueMicrotask(() => state.buttons.append(open));
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    await attempt(submit, async () => {
      await respond(state, { option: allow.option_id, input: input.value() }, { show: () => toast("This needs your code: allow it as it is, or use a passkey.") });
      if (state.answered) turn(false);
    });
  });
  /** The other ways to answer make room for it: on a phone there is no place for both. */
  function turn(isOpen) {
    node.hidden = !isOpen;
    state.buttons.hidden = state.words.hidden = isOpen;
    if (isOpen) input.focus();
    else open.focus();
  }
  return Object.assign(node, { show: () => turn(true) });
}

/** {node, toggle, value(), focus()} of an input that somebody changes; value() raises what is wrong with it. */
function inputFields(given) {
  const names = Object.keys(given);
  const isPlain = names.length > 0 && names.length <= MOST_FIELDS && names.every((name) => typeof given[name] === "string");
  const fields = isPlain ? names.map((name) => fieldOf(name, given[name])) : [];
  const raw = inputField("", { "aria-label": "The input, as JSON", rows: "6" });
  const node = h("div", { class: "edited-fields" });
  const toggle = h("button", { class: "button small ghost", type: "button", hidden: !isPlain }, "As JSON");
  let isRaw = !isPlain;
  const changed = () => Object.fromEntries(fields.map(({ name, value }) => [name, value()]));
  function show(input) {
    raw.value = JSON.stringify(input, null, 2);
    node.replaceChildren(...(isRaw ? [raw] : fields.map(({ label }) => label)));
    attribute(toggle, "aria-pressed", String(isRaw));
  }
  function value() {
    if (!isRaw) return JSON.stringify(changed());
    if (!json(raw.value)) throw new Error("That is not a JSON object. Look for a missing comma or bracket.");
    return raw.value;
  }
  toggle.addEventListener("click", () => {
    const input = isRaw ? json(raw.value) : changed();
    const fits = input && Object.keys(input).join() === names.join() && names.every((name) => typeof input[name] === "string");
    if (isRaw && !fits) return toast("That has no fields of its own any more: it is allowed as JSON.");
    isRaw = !isRaw;
    if (!isRaw) for (const one of fields) one.take(input[one.name]);
    return show(input);
  });
  show(given);
  return { node, toggle, value, focus: () => (isRaw ? raw : fields[0].field).focus() };
}

/** One text of an input. A field shows all line ends as one kind: what nobody touched stays what it was. */
function fieldOf(name, given) {
  const field = inputField(given);
  const first = field.value;
  const value = () => (field.value === first ? given : field.value);
  const take = (text) => text !== value() && (field.value = text);
  return { name, field, label: h("label", {}, name, field), value, take };
}

function inputField(value, attributes = {}) {
  const rows = String(Math.min(6, value.split("\n").length));
  const field = h("textarea", { rows, maxlength: "16384", spellcheck: "false", autocapitalize: "none", class: "mono", ...attributes });
  field.value = value;
  return field;
}

/** It became a command; else somebody wants to know why not. */
async function taken(answering) {
  const { command_id, answer: told } = await answering;
  if (command_id === "") throw new Error(told);
  toast(told);
}

/** What became no command, somebody wants to know why. */
export function tellUnlessSent({ command_id, answer }) {
  if (command_id === "" && answer !== "") toast(answer);
}

/** "Bash · 3 min ago": a question in a line. */
export const inALine = (item) => [item.title || item.tool || "A question", ago(item.created_at)].join(" · ");

