// Starting a session from the page: the words behind /new in a chat.

import { newKey, post } from "./api.js";
import { h } from "./dom.js";
import { attempt, toast } from "./notices.js";

/** A form for one session at a time. Its key changes with its words: sent again, the same words start nothing twice. */
export function startForm() {
  const field = h("input", { id: "new", placeholder: "fix the failing test", "aria-describedby": "new-hint", autocomplete: "off", required: true });
  const button = h("button", { class: "button primary", type: "submit" }, "Start");
  const form = h("form", { class: "trace-form" }, field, button);
  const hint = h("p", { id: "new-hint", class: "quiet" }, "Before it may stand a machine and a folder such as ~/src/api/");
  const node = h("section", { class: "start-form" }, h("label", { for: "new" }, "Start Claude Code on a machine that allows it"), form, hint);
  let key = newKey();
  field.addEventListener("input", () => {
    key = newKey();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(button, async () => {
      const answer = await post("new", { key, text: field.value });
      if (answer.session_id === "") toast(answer.answer, { bad: true });
      else location.hash = `#/session/${encodeURIComponent(answer.session_id)}`;
    });
  });
  return node;
}
