// Text that must be seen as it is, with code in boxes: what people wrote, and what they are asked about. Nothing in it is
// read as markup.

import { codeBlock } from "./code.js";
import { h } from "./dom.js";

export function prose(value) {
  return h("div", { class: "prose exact" }, value.split("```").map(block));
}

/** Text between fences alternates: words, code, words. The first line of code may name its language. */
function block(part, index) {
  if (index % 2 === 1) {
    const [, language = ""] = /^([\w+-]*)\n/.exec(part) ?? [];
    return codeBlock(part.replace(/^[\w+-]*\n/, "").replace(/\n$/, ""), language);
  }
  const words = part.replace(/^\n+|\n+$/g, "");
  return words === "" ? null : h("p", {}, words.split(/`([^`\n]+)`/).map(span));
}

const span = (part, index) => (index % 2 === 1 ? h("code", {}, part) : part);
