// Under a permission question: a field for the reason of a no, or for the answer in one's own words.

import { newKey, post } from "./api.js";
import { h } from "./dom.js";
import { attempt, toast } from "./notices.js";

/** {node, update(open)}: there as long as the question is open. */
export function ownWords({ sessionId: session, notification_id: message_id, poke }) {
  const field = h("input", { type: "text", maxlength: "65536", autocomplete: "off", enterkeyhint: "send", "aria-label": "A reason to deny, or your own answer", placeholder: "A reason to deny, or your own answer" });
  const submit = h("button", { class: "button small", type: "submit" }, "Answer");
  const node = h("form", { class: "own-words" }, field, submit);

  async function answer(text) {
    const { command_id, answer: told } = await post("send", { session, message_id, text, key: newKey() });
    if (command_id === "") throw new Error(told);
    toast(told);
  }

  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text === "" || !(await attempt(submit, () => answer(text)))) return;
    field.value = "";
    poke();
  });
  return { node, update: (open) => (node.hidden = !open) };
}
