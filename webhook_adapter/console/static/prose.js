// A session's words: paragraphs as they came, code in boxes. Everything is text; nothing is read as markup.

import { h } from "./dom.js";

const LONG_LINES = 24;
const LONG_CHARACTERS = 2200;

export function prose(value) {
  const body = h("div", { class: "prose" }, value.split("```").map(block));
  return isLong(value) ? folded(body) : body;
}

/** Text between fences alternates: words, code, words. The first line of code may name its language. */
function block(part, index) {
  if (index % 2 === 1) return h("pre", {}, h("code", {}, part.replace(/^[\w+-]*\n/, "").replace(/\n$/, "")));
  const words = part.replace(/^\n+|\n+$/g, "");
  return words === "" ? null : h("p", {}, words.split(/`([^`\n]+)`/).map(span));
}

const span = (part, index) => (index % 2 === 1 ? h("code", {}, part) : part);

const isLong = (value) => value.length > LONG_CHARACTERS || value.split("\n", LONG_LINES + 1).length > LONG_LINES;

function folded(body) {
  const frame = h("div", { class: "folded" }, body);
  const button = h("button", { class: "button ghost small", type: "button", "aria-expanded": "false" }, "Show all");
  button.addEventListener("click", () => {
    const open = frame.classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Show less" : "Show all";
  });
  frame.append(button);
  return frame;
}
