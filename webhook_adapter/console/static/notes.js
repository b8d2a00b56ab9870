// Notes that are known across sessions: searched, kept, forgotten. What they say is data, and shown as text.

import { get, newKey, post } from "./api.js";
import { h, list, text } from "./dom.js";
import { announce, attempt, toast } from "./notices.js";
import { page } from "./pages.js";
import { clock, day, hover } from "./words.js";

const KNOWN = {
  SESSION: () => "in its session alone",
  REPOSITORY: (note) => `in all sessions in ${note.place}`,
  CHAT: () => "in one chat",
  PERSON: () => "to one person alone",
};

export function notesView() {
  const field = h("input", { id: "note-words", type: "search", maxlength: "256", autocomplete: "off", enterkeyhint: "search", placeholder: "Any of these words", "aria-label": "Words to search" });
  const submit = h("button", { class: "button primary", type: "submit" }, "Search");
  const form = h("form", { class: "trace-form", role: "search" }, field, submit);
  const told = h("p", { class: "nothing", role: "status" }, "Looking…");
  const rows = h("ol", { class: "cards notes", role: "list" });
  const more = h("button", { class: "button small", type: "button", hidden: true }, "Older ones");
  const node = page("Notes", "What sessions and people want to be known later", form, told, rows, more);
  let words = "";
  let notes = [];
  let before = 0;
  let asked = 0;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    words = field.value.trim();
    notes = [];
    more.hidden = true;
    load().catch((failure) => toast(failure.message, { bad: true })); // of two searches the later one counts
  });
  more.addEventListener("click", () => attempt(more, async () => {
    const number = asked;
    const older = await get("notes", { words, before });
    if (number !== asked) return;
    notes = notes.concat(older.notes);
    show(older.before);
  }));

  /** The newest; what was read further back stays. */
  async function load() {
    const number = (asked += 1);
    const found = await get("notes", { words, before: 0 });
    if (number !== asked) return;
    const further = found.before ? notes.filter((one) => one.number < found.before) : [];
    notes = found.notes.concat(further);
    show(further.length > 0 ? before : found.before);
  }

  function show(next) {
    before = next;
    more.hidden = before === 0;
    told.hidden = notes.length > 0;
    text(told, words ? "Nothing that you may see was noted with these words." : "Nothing is noted yet. In a chat: /remember TEXT");
    list(rows, notes, (note) => `${note.number} ${note.state}`, (note) => noteRow(note, changed));
  }

  /** A note has another state, or none any more. */
  function changed(note, state) {
    announce(state ? `Note ${note.number} is kept.` : `Note ${note.number} is forgotten.`);
    asked += 1; // what is asked now may not know of it
    notes = state ? notes.map((one) => (one.number === note.number ? { ...note, state } : one)) : notes.filter((one) => one.number !== note.number);
    show(before);
    field.focus(); // what was pressed is gone
  }

  return { node, title: () => "Notes", load, update() {}, focus: () => field.focus() };
}

function noteRow(note, changed) {
  const waits = note.state === "waiting";
  const keep = h("button", { class: "button small primary", type: "button", "aria-label": `Keep note ${note.number}` }, "Keep");
  const forget = h("button", { class: "button small", type: "button", "aria-label": `Forget note ${note.number}` }, "Forget");
  // A repeat after a lost answer is the same request.
  const [keepKey, forgetKey] = [newKey(), newKey()];
  keep.addEventListener("click", () => attempt(keep, async () => {
    await post("note-keep", { number: note.number, key: keepKey });
    changed(note, "kept");
  }));
  forget.addEventListener("click", () => attempt(forget, async () => {
    await post("note-forget", { number: note.number, key: forgetKey });
    changed(note, "");
  }));
  const known = (KNOWN[note.scope.toUpperCase()] ?? (() => ""))(note);
  const where = waits ? `Wants to be known ${known}: no other session goes by it before somebody presses Keep.` : `Known ${known}`;
  const node = h("li", { class: "card" },
    h("div", { class: "meta" }, h("span", { class: "strong" }, `${note.number} · ${note.author}`), h("time", { class: "quiet", title: hover(note.created_at) }, `${day(note.created_at)}, ${clock(note.created_at)}`)),
    h("p", { class: "note-text" }, note.text),
    h("p", { class: waits ? "" : "quiet" }, note.kept_by ? `${where}, kept by ${note.kept_by}` : where),
    h("div", { class: "actions" }, waits && keep, forget));
  return { node, update() {} };
}
