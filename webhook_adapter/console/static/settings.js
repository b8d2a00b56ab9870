// What is set for this browser, and where the rest is.

import { h } from "./dom.js";
import { page } from "./pages.js";

export function settingsView() {
  const rows = h("ul", { class: "cards settings" },
    setting("Notifications", "This page tells of new words in its title, and screen readers of them, while it is open.", null, { id: "notifications" }),
    setting("Passkey", "Signs what a rule wants more for than a press.", h("a", { class: "button small", href: "#/passkey" }, "Add a passkey")),
    setting("Seen and muted", "Which words you have seen, and which sessions are muted, this browser keeps for itself: another one does not know.", null),
    setting("Trace", "Every step of one command, by its id.", h("a", { class: "button small", href: "#/trace" }, "Open")));
  return { node: page("Settings", "For this browser", rows), title: () => "Settings", load: async () => {}, update() {}, focus() {} };
}

function setting(title, words, action, attributes = {}) {
  return h("li", { class: "card setting", ...attributes }, h("div", {}, h("h2", {}, title), h("p", { class: "quiet" }, words)), action);
}
