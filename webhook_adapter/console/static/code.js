// Code in a box: its language, a button that copies it, colours once the colouring is here.

import { copy, h, icon } from "./dom.js";

const MOST = 40_000; // characters that are coloured
let highlighter = null;

/** Where the language is not known, the code is left as it is: a guess would be slow, and often wrong. */
export function codeBlock(text, language = "") {
  const code = h("code", {}, text);
  const button = h("button", { class: "button ghost small copy", type: "button", "aria-label": "Copy the code" }, icon("copy"), "Copy");
  button.addEventListener("click", async () => {
    button.lastChild.textContent = (await copy(code, text)) ? "Copied" : "Selected";
    setTimeout(() => (button.lastChild.textContent = "Copy"), 1600);
  });
  const pre = h("pre", { tabindex: "0", "aria-label": language ? `Code, ${language}` : "Code" }, code);
  if (language && text.length <= MOST) colour(code, text, language);
  return h("div", { class: "code", "data-bare": language === "" }, h("div", { class: "code-head" }, h("span", {}, language), button), pre);
}

async function colour(code, text, language) {
  highlighter ??= import("./vendor/highlight.js").then((loaded) => loaded.default, () => null);
  const known = await highlighter;
  if (!known?.getLanguage(language)) return;
  const { _emitter: found } = known.highlight(text, { language, ignoreIllegals: true });
  code.replaceChildren(...found.root.children.map(span));
}

/** As elements: what the library makes as text would have to be read as markup. */
function span(token) {
  if (typeof token === "string") return token;
  const name = (token.scope ?? "").split(/[. ]/)[0].replaceAll("_", "");
  return h("span", name ? { class: `hl-${name}` } : {}, token.children.map(span));
}
