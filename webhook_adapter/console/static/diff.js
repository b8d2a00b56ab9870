// Changes of files: a unified diff with the lines' numbers, and one made of what stood there and what will.

import { h } from "./dom.js";
import { count } from "./words.js";

const SHOWN = 120; // lines
const MOST_COMPARED = 400; // lines of each side

/** A unified diff as a box; of a long one the beginning, until somebody wants it all. */
export function diffBlock(text, path = "") {
  const lines = numbered(text.split("\n"));
  const name = path || /^\+\+\+ (?:b\/)?(.+)$/m.exec(text)?.[1] || "";
  const added = lines.filter((line) => line.mark === "+").length;
  const removed = lines.filter((line) => line.mark === "-").length;
  const body = h("pre", { class: "diff-lines", tabindex: "0", "aria-label": name ? `Changes of ${name}` : "Changes" }, lines.slice(0, SHOWN).map(line));
  const sums = h("span", { class: "diff-sums" }, h("span", { class: "plus" }, `+${added}`), " ", h("span", { class: "minus" }, `−${removed}`), h("span", { class: "unseen" }, ` ${count(added, "line")} added, ${removed} removed`));
  const box = h("div", { class: "diff" }, h("div", { class: "code-head" }, h("span", { class: "path", title: name }, name || "changes"), sums), body);
  if (lines.length > SHOWN) {
    const all = h("button", { class: "button ghost small", type: "button" }, `Show all ${lines.length} lines`);
    all.addEventListener("click", () => {
      body.replaceChildren(...lines.map(line));
      all.remove();
    });
    box.append(all);
  }
  return box;
}

function line({ mark, text, from, to }) {
  return h("span", { class: "diff-line", "data-mark": mark, "data-from": from ?? "", "data-to": to ?? "" }, `${mark === "@" ? "" : mark}${text}\n`);
}

/** {mark, text, from, to}; heads of files are left out, as the box says the name. */
function numbered(lines) {
  const found = [];
  let [from, to] = [0, 0];
  let inside = false;
  for (const text of lines) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(text);
    if (hunk) {
      [from, to] = [Number(hunk[1]), Number(hunk[2])];
      inside = true;
      found.push({ mark: "@", text });
    } else if (!inside && /^(---|\+\+\+|diff |index )/.test(text)) continue;
    else if (text.startsWith("+")) found.push({ mark: "+", text: text.slice(1), to: inside ? to++ : "" });
    else if (text.startsWith("-")) found.push({ mark: "-", text: text.slice(1), from: inside ? from++ : "" });
    else if (text !== "" || inside) found.push({ mark: " ", text: text.replace(/^ /, ""), from: inside ? from++ : "", to: inside ? to++ : "" });
  }
  if (found.at(-1)?.text === "") found.pop();
  return found;
}

/** A unified diff of two texts. */
export function difference(before, after) {
  const [old, now] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const middle = compared(old.slice(head, old.length - tail), now.slice(head, now.length - tail));
  const context = (lines) => lines.map((text) => ` ${text}`);
  const begin = Math.max(0, head - 3);
  return [...context(old.slice(begin, head)), ...middle, ...context(old.slice(old.length - tail, old.length - tail + 3))].join("\n");
}

/** The longest common lines stay; where there is too much to compare, all of it changes. */
function compared(old, now) {
  const all = [...old.map((text) => `-${text}`), ...now.map((text) => `+${text}`)];
  if (old.length > MOST_COMPARED || now.length > MOST_COMPARED) return all;
  const longest = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      longest[i][j] = old[i] === now[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push(` ${old[i]}`);
      i += 1;
      j += 1;
    } else if (i < old.length && (j === now.length || longest[i + 1][j] >= longest[i][j + 1])) lines.push(`-${old[i++]}`);
    else lines.push(`+${now[j++]}`);
  }
  return lines;
}
