// A form that a session asks: several things at once, some of which take more than one answer, each also one's own words.

import { attribute, h } from "./dom.js";
import { attempt } from "./notices.js";

/** For a question with a `form`; send(answers) gets one for each, in order. */
export function forms(item, send) {
  const parts = item.form.map((asked, index) => part(item, asked, index));
  const submit = h("button", { class: "button small primary", type: "submit" }, item.form.length > 1 ? "Send the answers" : "Answer");
  const node = h("form", { class: "form" }, parts.map((each) => each.node), h("div", { class: "actions" }, submit));
  const judge = () => attribute(submit, "disabled", !parts.every((each) => each.isAnswered()));
  node.addEventListener("input", judge);
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(submit, () => send(parts.map((each) => each.value())));
  });
  judge();
  return node;
}

function part(item, asked, index) {
  const name = `${item.permission_id}-${index}`;
  const kind = asked.multi_select ? "checkbox" : "radio";
  const boxes = asked.options.map((option) => {
    const box = h("input", { type: kind, name, value: option.option_id });
    const words = h("span", {}, h("span", { class: "strong" }, option.label), option.description ? h("span", { class: "quiet" }, option.description) : null);
    return { box, node: h("label", { class: "option" }, box, words) };
  });
  const own = h("input", { type: "text", maxlength: "16384", autocomplete: "off", "aria-label": `Your own answer to: ${asked.text}`, placeholder: "Your own answer" });
  const hint = asked.multi_select ? h("p", { class: "hint" }, "More than one may be chosen.") : null;
  const node = h("fieldset", {}, h("legend", {}, asked.text), hint, boxes.map((each) => each.node), own);
  const chosen = () => boxes.filter((each) => each.box.checked).map((each) => each.box.value);
  return { node, isAnswered: () => chosen().length > 0 || own.value.trim() !== "", value: () => ({ option_ids: chosen(), text: own.value.trim() }) };
}
