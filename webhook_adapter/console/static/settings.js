// What is set for this browser, and where the rest is.

import { h } from "./dom.js";
import { page } from "./pages.js";

/** Somebody wants to set what this browser is told. */
export const SET_NOTIFICATIONS = "pointsman:set-notifications";

export function settingsView() {
  const notifications = h("button", { class: "button small", type: "button", "aria-haspopup": "dialog" }, "Set up");
  notifications.addEventListener("click", () => dispatchEvent(new Event(SET_NOTIFICATIONS)));
  const rows = h("ul", { class: "cards settings" },
    setting("Notifications", "Questions and what sessions say can come to this browser, also while this page is closed. While it is open, it tells of new words in its title.", notifications, { id: "notifications" }),
    setting("Passkey", "Signs what a rule wants more for than a press.", h("a", { class: "button small", href: "#/passkey" }, "Add a passkey")),
    setting("Muted", "Which sessions are muted, this browser keeps for itself: another one does not know. What you have read counts on all your pages.", null),
    setting("Asked again", "How you are reached when you do not answer, about what, and what comes each day.", h("a", { class: "button small", href: "#/ladder" }, "Open")),
    setting("Rules", "What is allowed by itself for a time: looked at, ended.", h("a", { class: "button small", href: "#/rules" }, "Open")),
    setting("Notes", "What sessions and people want to be known later: searched, kept, forgotten.", h("a", { class: "button small", href: "#/notes" }, "Open")),
    setting("Workspaces", "Clones of repositories that sessions work in, and what becomes of them.", h("a", { class: "button small", href: "#/workspaces" }, "Open")),
    setting("Trace", "Every step of one command, by its id.", h("a", { class: "button small", href: "#/trace" }, "Open")));
  return { node: page("Settings", "For this browser", rows), title: () => "Settings", load: async () => {}, update() {}, focus() {} };
}

function setting(title, words, action, attributes = {}) {
  return h("li", { class: "card setting", ...attributes }, h("div", {}, h("h2", {}, title), h("p", { class: "quiet" }, words)), action);
}
