// Where a person writes: Enter sends, Shift+Enter starts a line, drafts stay with their session. Beside it stands what
// will happen to the text.

import { wishes } from "./api.js";
import { attribute, h, icon, list, text } from "./dom.js";
import { deferSomething, limitNotice, limitOf } from "./deferral.js";
import { attempt } from "./notices.js";
import { listen, send } from "./outgoing.js";
import { mayStart, startSession } from "./start.js";
import { uploads } from "./upload.js";
import { count, keyName, moment, sessionName } from "./words.js";

const MOST_OFFERED = 8;
const KEYS = ["esc", "enter", "up", "down", "left", "right", "tab", "space", "backspace", "ctrl-c", "ctrl-d", "shift-tab", "page-up", "page-down", "ctrl-r", "ctrl-o", "ctrl-z"];

/** {node, update(session, away, machines, open questions), focus()}; changed() follows every turn of what is sent. */
export function composer(sessionId, changed) {
  const draft = `pointsman:draft:${sessionId}`;
  const field = h("textarea", { id: "composer", placeholder: "Reply…", rows: "1", maxlength: "65536", enterkeyhint: "send", autocomplete: "off", "aria-describedby": "composer-fate" });
  const submit = h("button", { class: "button primary send", type: "submit", "aria-label": "Send" }, icon("send"));
  const fate = h("span", { id: "composer-fate" });
  const hint = h("p", { class: "hint composer-hint" }, fate, h("span", { class: "composer-keys" }, " Enter sends, Shift+Enter starts a new line."));
  const files = uploads(sessionId, () => {
    const words = field.value.trim();
    field.value = "";
    localStorage.removeItem(draft);
    fit();
    return words;
  });
  const attach = h("button", { class: "button ghost round", type: "button", "aria-label": "Attach a file", title: "Attach a file: it is kept on the machine, and its path is typed", onclick: files.choose }, icon("attach"));
  const photograph = h("button", { class: "button ghost round camera", type: "button", "aria-label": "Take a picture", title: "Take a picture", onclick: files.photograph }, icon("camera"));
  const later = h("button", { class: "button ghost round", type: "button", "aria-label": "Keep it for later", title: "Keep it for later: for a time, or again and again", disabled: true, onclick: () => sendLater() }, icon("clock"));
  const box = h("div", { class: "composer-box" }, field, h("div", { class: "composer-tools" }, attach, photograph, keyMenu(sessionId, changed), later, h("span", { class: "stretch" }), submit));
  const form = h("form", { class: "composer-row" }, box, files.inputs);
  const limit = limitNotice(sessionId);
  const another = h("button", { class: "button small", type: "button", onclick: () => startAnother() }, "Start another here");
  const over = h("p", { class: "notice over-words", hidden: true }, h("span", {}, "This session is over."), another);
  const offers = h("div", { class: "offers", role: "group", "aria-label": "Commands of the program", hidden: true });
  const node = h("div", { class: "composer" }, limit.node, files.node, offers, form, hint, over);
  let commands = [];
  let offered = [];

  /** What its program offers behind the slash that is typed. */
  function offer() {
    const [, begun] = /^\/([\w:-]*)$/.exec(field.value) ?? [];
    offered = begun === undefined ? [] : commands.filter((name) => name.startsWith(begun) && name !== begun).slice(0, MOST_OFFERED);
    list(offers, offered.map((name) => ({ name, take })), ({ name }) => name, offerButton);
    offers.hidden = offered.length === 0;
  }

  function take(name) {
    field.value = `/${name} `;
    field.dispatchEvent(new Event("input"));
    field.focus();
  }

  field.value = localStorage.getItem(draft) ?? "";
  const fit = () => {
    submit.disabled = field.value.trim() === "";
    // Where the browser sizes fields itself (field-sizing), rows only set the least.
    field.rows = Math.min(8, field.value.split("\n").length);
  };
  field.addEventListener("input", () => {
    if (field.value === "") localStorage.removeItem(draft);
    else localStorage.setItem(draft, field.value);
    fit();
    offer();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && !event.shiftKey && offered.length > 0) {
      event.preventDefault();
      take(offered[0]);
    }
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (field.value.trim() === "") return;
    send(sessionId, field.value);
    field.value = "";
    localStorage.removeItem(draft);
    fit();
    offer();
    field.focus();
  });
  field.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (pasted.length === 0) return;
    event.preventDefault();
    files.take(pasted);
  });
  dropInto(node, files.take);
  listen(sessionId, changed);
  fit();

  let startAnother = () => {};
  let known = { machines: [], session: null };
  /** Kept for later, the words leave the field. */
  async function sendLater() {
    if (!(await deferSomething({ sessions: [known.session], machines: known.machines, session: sessionId, text: field.value }))) return;
    field.value = "";
    field.dispatchEvent(new Event("input"));
  }

  function update(session, away, machines, open, offeredCommands = []) {
    commands = offeredCommands;
    known = { machines, session };
    later.disabled = false; // for whom, the overview says
    limit.update(session);
    const ended = session.state === "ended";
    form.hidden = hint.hidden = ended;
    over.hidden = !ended;
    another.hidden = !machines.some(mayStart);
    startAnother = () => startSession(machines, { machine: session.machine_id, folder: session.cwd });
    attribute(field, "aria-label", `Message to ${sessionName(session)}`);
    attribute(hint, "data-waits", away || open.length > 0 || session.state === "waiting" || limitOf(session) !== null);
    text(fate, fateOf(session, away, open));
  }
  return { node, update, focus: () => field.focus({ preventScroll: true }), attach: files.choose };
}

function offerButton({ name, take }) {
  const node = h("button", { class: "button small", type: "button", onclick: () => take(name) }, `/${name}`);
  return { node, update() {} };
}

/** The whole conversation takes what is dropped on it. */
function dropInto(node, take) {
  queueMicrotask(() => {
    const view = node.closest(".view");
    const has = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    view?.addEventListener("dragover", (event) => {
      if (!has(event)) return;
      event.preventDefault();
      view.classList.add("dropping");
    });
    view?.addEventListener("dragleave", (event) => view.contains(event.relatedTarget) || view.classList.remove("dropping"));
    view?.addEventListener("drop", (event) => {
      view.classList.remove("dropping");
      if (!has(event)) return;
      event.preventDefault();
      take([...event.dataTransfer.files]);
    });
  });
}

/** What will happen to a text that is sent now. */
function fateOf(session, away, open) {
  const name = sessionName(session);
  if (away) return `${session.machine_id} is away: your text waits for it, up to 24 hours.`;
  if (limitOf(session)) return `It is at its usage limit: your text waits until that is over, ${moment(session.limited_until)}.`;
  if (session.backend === "command") return `Runs the command of ${name} on ${session.machine_id} with your text.`;
  return {
    starting: "It is starting: your text waits behind its first one.",
    waiting: open.length > 1 ? `It waits for answers to ${count(open.length, "question")}: your text is typed after those.` : "It waits for an answer to its question: your text is typed after that.",
    busy: `It is working: your text is typed in now, and ${name} takes it when it is ready.`,
  }[open.length > 0 ? "waiting" : session.state] ?? `Typed into ${name} on ${session.machine_id} at once.`;
}

/** Keys that have no letter, for menus and for stopping a program. */
function keyMenu(sessionId, changed) {
  const menu = h("div", { class: "key-menu", role: "group", "aria-label": "Press a key in the session" });
  const summary = h("summary", { class: "button ghost", title: "Press a key in the session" }, icon("key"), "Keys");
  const box = h("details", { class: "keys" }, summary, menu);
  const wish = wishes();
  for (const name of KEYS) {
    const button = h("button", { class: "button small", type: "button", "aria-label": `Press ${keyName(name)}` }, keyName(name));
    button.addEventListener("click", async () => {
      await attempt(button, () => wish("key", { session: sessionId, name }));
      changed();
    });
    menu.append(button);
  }
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    box.open = false;
    summary.focus();
  });
  const closeOutside = (event) => box.contains(event.target) || (box.open = false);
  box.addEventListener("toggle", () => {
    if (box.open) document.addEventListener("pointerdown", closeOutside);
    else document.removeEventListener("pointerdown", closeOutside);
  });
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !box.contains(event.relatedTarget)) box.open = false;
  });
  return box;
}
