// Keys for those who have a keyboard, and the sheet that names them.

import { dialog } from "./dialog.js";
import { h } from "./dom.js";

const SHEET = [
  ["/", "Search over what was said"],
  ["g then i", "Inbox: all open questions"],
  ["g then q", "Queue"],
  ["g then m", "Machines"],
  ["g then s", "The list of sessions"],
  ["j, k", "Next, previous session"],
  ["n", "The next session that needs you"],
  ["r", "Write to the session"],
  ["t", "Its terminal"],
  ["u", "Send it a file"],
  ["s", "Start a session"],
  ["Esc", "Out of the field, to the conversation"],
  ["?", "This sheet"],
];
const PLACES = { i: "#/inbox", q: "#/queue", m: "#/machines", s: "#/" };

/** acts: {start(), write(), terminal(), attach(), step(by), needy()}. */
export function shortcuts(acts) {
  const keys = { "?": sheet, "/": () => go("#/search"), j: () => acts.step(1), k: () => acts.step(-1), n: acts.needy, r: acts.write, t: acts.terminal, u: acts.attach, s: acts.start };
  let going = 0;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    const field = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && field) return document.querySelector(".scroller")?.focus();
    if (field) return;
    const place = Date.now() - going < 1200 ? PLACES[event.key] : null;
    going = event.key === "g" ? Date.now() : 0;
    const act = place ? () => go(place) : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function go(place) {
  location.hash = place;
}

export function sheet() {
  const rows = SHEET.map(([key, words]) => h("div", {}, h("dt", {}, key.split(/(, | then )/).map((part) => (/^(, | then )$/.test(part) ? part : h("kbd", {}, part)))), h("dd", {}, words)));
  return dialog("Keyboard", h("dl", { class: "sheet" }, rows), "");
}
