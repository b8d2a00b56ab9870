// What is said, as people write it: Markdown becomes elements. Markup in it stays text, whatever is left goes through
// DOMPurify, and nothing is asked of any other place: an image is a link to it.

import { codeBlock } from "./code.js";
import { diffBlock } from "./diff.js";
import { h } from "./dom.js";
import { Marked } from "./vendor/marked.js";
import "./vendor/purify.js";

const LONG = 12_000; // characters
const KEPT = 200; // texts
const made = new Map();

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const renderer = {
  html: ({ raw, text }) => escaped(raw ?? text),
  image: ({ href, text }) => `<a href="${escaped(href)}">🖼 ${escaped(text || href)}</a>`,
  checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  code: ({ text, lang }) => `<pre lang="${escaped((lang ?? "").split(/\s/)[0])}"><code>${escaped(text)}</code></pre>`,
  heading({ tokens, depth }) {
    return `<p class="heading heading-${depth}">${this.parser.parseInline(tokens)}</p>`;
  },
};
const parser = new Marked({ gfm: true, breaks: true, renderer });

const purifier = globalThis.DOMPurify;
const ALLOWED = {
  ALLOWED_TAGS: "p br strong em del code pre blockquote ul ol li a hr table thead tbody tr th td".split(" "),
  ALLOWED_ATTR: "href title class align start lang".split(" "),
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ADD_URI_SAFE_ATTR: ["align", "start", "lang"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
});

/** An element with the text in it. */
export function markdown(text) {
  const body = h("div", { class: "prose" });
  body.append(fragment(text));
  return text.length > LONG ? folded(body) : body;
}

/** Parsed once for as long as it is among the newest: what is scrolled away and back costs nothing. */
function fragment(text) {
  const html = made.get(text) ?? parser.parse(text.slice(0, 262_144));
  made.delete(text);
  made.set(text, html);
  if (made.size > KEPT) made.delete(made.keys().next().value);
  const clean = purifier.sanitize(html, ALLOWED);
  for (const pre of clean.querySelectorAll("pre")) {
    const language = pre.getAttribute("lang") ?? "";
    const code = pre.textContent.replace(/\n$/, "");
    pre.replaceWith(["diff", "patch"].includes(language) ? diffBlock(code) : codeBlock(code, language));
  }
  for (const table of clean.querySelectorAll("table")) {
    const frame = h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" });
    table.replaceWith(frame);
    frame.append(table);
  }
  return clean;
}

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
