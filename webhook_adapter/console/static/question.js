// Under a permission question: a field for the reason of a no, or for the answer in one's own words; and, where a rule wants
// it of whoever allows it, one for the code of their second factor, and a button for their passkey.

import { newKey, post } from "./api.js";
import { h } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { allowWithPasskey, hasPasskeys } from "./passkey.js";

/** {node, update(open)}: there as long as the question is open. */
export function ownWords({ sessionId: session, notification_id: message_id, poke }) {
  const field = h("input", { type: "text", maxlength: "65536", autocomplete: "off", enterkeyhint: "send", "aria-label": "A reason to deny, or your own answer", placeholder: "A reason to deny, or your own answer" });
  const submit = h("button", { class: "button small", type: "submit" }, "Answer");
  const node = h("form", { class: "own-words" }, field, submit);

  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text === "" || !(await attempt(submit, () => taken(post("send", { session, message_id, text, key: newKey() }))))) return;
    field.value = "";
    poke();
  });
  return { node, update: (open) => (node.hidden = !open) };
}

/** {node, update(open), show()}: there once somebody has to prove who they are. */
export function secondFactor({ sessionId: session, notification_id: message_id, poke }) {
  const field = h("input", { type: "text", inputmode: "numeric", pattern: "[0-9]{6}", maxlength: "6", required: true, autocomplete: "one-time-code", "aria-label": "Code of your authenticator app", placeholder: "Six digits of your authenticator app" });
  const submit = h("button", { class: "button small primary", type: "submit" }, "Allow with the code");
  const passkey = h("button", { class: "button small", type: "button", hidden: !hasPasskeys() }, "Use a passkey");
  const node = h("form", { class: "own-words second-factor", hidden: true }, field, submit, passkey);
  let wanted = false;

  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await attempt(submit, () => taken(post("send", { session, message_id, text: field.value, key: newKey() })))) poke();
    field.value = "";
  });
  passkey.addEventListener("click", async () => {
    if (await attempt(passkey, () => taken(allowWithPasskey(message_id)))) poke();
  });
  function show() {
    wanted = true;
    node.hidden = false;
    field.focus();
  }
  return { node, update: (open) => (node.hidden = !(open && wanted)), show };
}

/** It became a command; else somebody wants to know why not. */
async function taken(answering) {
  const { command_id, answer: told } = await answering;
  if (command_id === "") throw new Error(told);
  toast(told);
}
