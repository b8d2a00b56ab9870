// Keeping something for later: what is asked of a person for it. When is said in the router's words; it says what is not clear.

import { wishes } from "./api.js";
import { dialog } from "./dialog.js";
import { attribute, h, text } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { mayStart } from "./start.js";
import { fullName, moment, zone } from "./words.js";

const EXAMPLES = ["in 30m", "tomorrow 9:00", "fri 18:00", "every weekday 9:00", "every 2h", "on return", "on rest"];

/** {node, field}: when, with some examples to press. */
export function whenField(value = "") {
  const field = h("input", { id: "later-when", value, required: true, maxlength: "200", autocomplete: "off", autocapitalize: "none", spellcheck: "false", placeholder: "tomorrow 9:00" });
  const examples = EXAMPLES.map((words) => h("button", { class: "button small", type: "button", onclick: () => {
    field.value = words;
    field.focus();
  } }, words));
  const hint = h("p", { class: "hint" }, `Times are those of ${zone()}. “on return”: its machine is back; “on rest”: it is ready.`);
  return { node: [h("label", { for: field.id }, "When"), field, h("div", { class: "examples" }, examples), hint], field };
}

/**
 * Asks what is to be done later; whether it was kept. `given`: {sessions, machines, session, text}; with a session the text is
 * for that one.
 */
export async function deferSomething(given) {
  const alive = given.sessions.filter((one) => one && one.state !== "ended");
  const places = given.machines.filter(mayStart);
  const kinds = [alive.length > 0 && ["TEXT", "Write to a session"], ["REMINDER", "Remind people"], !given.session && places.length > 0 && ["START", "Start a session"]].filter(Boolean);
  const kind = h("select", { id: "later-kind" }, kinds.map(([value, words]) => h("option", { value }, words)));
  const session = h("select", { id: "later-session" });
  const machine = h("select", { id: "later-machine" }, places.map((one) => h("option", {}, one.machine_id)));
  const folder = h("select", { id: "later-folder" });
  const words = h("textarea", { id: "later-text", rows: "2", maxlength: "4096", required: true });
  words.value = given.text ?? "";
  const when = whenField();
  const part = (label, field) => h("div", {}, h("label", { for: field.id }, label), field);
  const parts = { session: part("Session", session), machine: part("Machine", machine), folder: part("Folder", folder) };
  const fit = () => {
    const isStart = kind.value === "START";
    const about = alive.map((one) => h("option", { value: one.session_id }, fullName(one)));
    const chosen = session.value || given.session || "";
    session.replaceChildren(...(kind.value === "REMINDER" ? [h("option", { value: "" }, "About none"), ...about] : about));
    session.value = [...session.options].some((one) => one.value === chosen) ? chosen : session.options[0]?.value;
    parts.session.hidden = isStart;
    parts.machine.hidden = parts.folder.hidden = !isStart;
    folder.replaceChildren(...(places.find((one) => one.machine_id === machine.value)?.start_folders ?? []).map((name) => h("option", {}, name)));
  };
  kind.addEventListener("change", fit);
  machine.addEventListener("change", fit);
  fit();
  const wish = wishes();
  const act = async () => {
    const isStart = kind.value === "START";
    const place = isStart ? { machine_id: machine.value, folder: folder.value } : { session: session.value };
    const kept = await wish("defer", { task: kind.value, text: words.value, when: when.field.value.trim(), zone: zone(), ...place });
    toast(kept.next_at ? `Kept for ${moment(kept.next_at)}.` : `Kept: ${kept.when}.`);
  };
  return dialog("Do it later", [part("What", kind), parts.session, parts.machine, parts.folder, part("Text", words), ...when.node], "Keep it", act);
}

/** Asks for another time of something that waits; whether it has one now. */
export function move(known) {
  const when = whenField(known.when);
  const wish = wishes();
  const change = () => ({ deferred_id: known.deferred_id, change: "MOVE", when: when.field.value.trim(), zone: zone() });
  return dialog("Give it another time", when.node, "Move it", () => wish("change-deferred", change()));
}

/** Until when a session is at its usage limit; null where it is at none. */
export const limitOf = ({ limited_until: until, state }) => (until && state !== "ended" && until > Date.now() / 1000 ? until : null);

/** {node, update(session)}: that a session is at its usage limit, with the way to go on then. */
export function limitNotice(sessionId) {
  const words = h("span", {});
  const button = h("button", { class: "button small", type: "button" }, "Continue then");
  const node = h("p", { class: "notice limit", hidden: true }, words, button);
  const wish = wishes();
  let asked = null;
  let until = null;
  button.addEventListener("click", async () => {
    const wanted = until;
    if (await attempt(button, () => wish("go-on", { session: sessionId }))) asked = wanted;
    show();
  });
  function show() {
    node.hidden = until === null;
    if (until === null) return;
    const goesOn = asked === until;
    text(words, `At its usage limit until ${moment(until)}.${goesOn ? " It goes on then, unless somebody writes to it before." : ""}`);
    button.hidden = goesOn;
    attribute(node, "data-asked", goesOn);
  }
  return { node, update: (session) => {
    until = limitOf(session);
    show();
  } };
}
