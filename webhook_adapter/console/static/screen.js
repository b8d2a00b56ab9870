// The terminal of a session as it stands, asked of its machine for as long as somebody looks, with the keys that move it.

import { get, newKey, post } from "./api.js";
import { h, icon, text } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { keyName, sessionName } from "./words.js";

const EVERY_MS = 1500; // the machine is asked each time: nothing tells that a screen has changed
const KEYS = ["esc", "tab", "shift-tab", "up", "down", "left", "right", "enter", "space", "backspace", "ctrl-c", "ctrl-d", "ctrl-r", "ctrl-o", "page-up", "page-down"];
const PRESSED = { Escape: "esc", Tab: "tab", ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Enter: "enter", " ": "space", Backspace: "backspace", PageUp: "page-up", PageDown: "page-down" };
const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

export function openScreen(session) {
  const { session_id: id } = session;
  const lines = h("pre", { class: "terminal", tabindex: "0", role: "group", "aria-label": `Terminal of ${sessionName(session)}: arrow keys, Enter, Esc and the like go to it` });
  const trouble = h("p", { class: "notice bad", role: "status", hidden: true });
  const shut = h("button", { class: "button ghost tool-button", type: "button", "aria-label": "Close the terminal" }, icon("close"));
  const keys = h("div", { class: "screen-keys", role: "group", "aria-label": "Keys" }, KEYS.map((name) => keyButton(name)));
  const hint = h("p", { class: "hint" }, "With the terminal in focus, arrow keys, Enter, Esc, Tab and Ctrl with C, D, R, O go to it. Shift+Esc leaves it.");
  const box = h("dialog", { class: "dialog screen", "aria-label": `Terminal of ${sessionName(session)}` }, h("div", { class: "screen-head" }, h("h2", {}, `Terminal of ${sessionName(session)}`), shut), trouble, lines, keys, hint);
  let timer;
  let shown;
  let pressing = Promise.resolve();

  async function look() {
    clearTimeout(timer);
    try {
      const { text: now } = await get("screen", { session: id });
      trouble.hidden = true;
      if (now !== shown) lines.replaceChildren(...coloured(now));
      shown = now;
    } catch (failure) {
      text(trouble, failure.message);
      trouble.hidden = false;
    }
    clearTimeout(timer);
    if (box.isConnected && !document.hidden) timer = setTimeout(look, EVERY_MS);
  }

  /** One after the other, in the order in which they were pressed. */
  function press(name) {
    const key = newKey();
    pressing = pressing.then(() => post("key", { session: id, name, key })).then(() => {
      clearTimeout(timer);
      timer = setTimeout(look, 300);
    }, (failure) => toast(failure.message, { bad: true }));
    return pressing;
  }

  function keyButton(name) {
    const button = h("button", { class: "button small", type: "button", "aria-label": `Press ${keyName(name)}` }, keyName(name));
    button.addEventListener("click", () => attempt(button, () => press(name)));
    return button;
  }

  lines.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.shiftKey) return;
    const ctrl = event.ctrlKey && /^[cdroz]$/.test(event.key) ? `ctrl-${event.key}` : "";
    const name = ctrl || (event.ctrlKey || event.metaKey || event.altKey ? "" : event.key === "Tab" && event.shiftKey ? "shift-tab" : PRESSED[event.key]);
    if (!name || (ctrl === "ctrl-c" && !getSelection().isCollapsed)) return;
    event.preventDefault();
    event.stopPropagation();
    press(name);
  });
  // Esc is a key of the terminal here; it closes nothing while that has the focus.
  box.addEventListener("cancel", (event) => document.activeElement === lines && event.preventDefault());
  shut.addEventListener("click", () => box.close());
  box.addEventListener("keydown", (event) => event.key === "Escape" && event.shiftKey && box.close());
  const comeBack = () => document.hidden || look();
  document.addEventListener("visibilitychange", comeBack);
  box.addEventListener("close", () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", comeBack);
    box.remove();
  });
  document.body.append(box);
  box.showModal();
  lines.focus();
  look();
}

/** Text with colours (SGR) as elements; any other sequence is dropped. */
export function coloured(value) {
  const spans = [];
  let style = {};
  for (const part of value.split(/(\x1b\[[0-9;:]*m)/)) {
    const codes = /^\x1b\[([0-9;:]*)m$/.exec(part);
    if (codes) style = styled(style, codes[1].split(/[;:]/).map(Number));
    else if (part) spans.push(span(part.replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]|.)?/g, ""), style));
  }
  return spans;
}

function styled(before, codes) {
  let style = { ...before };
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index];
    if (code === 0) style = {};
    else if (code === 1) style.bold = true;
    else if (code === 2) style.faint = true;
    else if (code === 4) style.underlined = true;
    else if (code === 7) style.inverse = true;
    else if (code === 22) style.bold = style.faint = false;
    else if (code === 24) style.underlined = false;
    else if (code === 27) style.inverse = false;
    else if (code === 38 || code === 48) {
      const field = code === 38 ? "ink" : "ground";
      if (codes[index + 1] === 5) style[field] = indexed(codes[index + 2]);
      if (codes[index + 1] === 2) style[field] = `rgb(${codes.slice(index + 2, index + 5).join(" ")})`;
      index += codes[index + 1] === 5 ? 2 : 4;
    } else if (code === 39) style.ink = "";
    else if (code === 49) style.ground = "";
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) style.ink = indexed(code >= 90 ? code - 82 : code - 30);
    else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) style.ground = indexed(code >= 100 ? code - 92 : code - 40);
  }
  return style;
}

/** One of 256 colours: sixteen with names, a cube, greys. */
function indexed(number) {
  if (number < 16) return `var(--term-${number > 7 ? "bright-" : ""}${COLOURS[number % 8]})`;
  if (number > 231) return `rgb(${Array(3).fill(8 + (number - 232) * 10).join(" ")})`;
  const level = (step) => (step === 0 ? 0 : 55 + step * 40);
  const at = number - 16;
  return `rgb(${level(Math.floor(at / 36))} ${level(Math.floor(at / 6) % 6)} ${level(at % 6)})`;
}

function span(value, { bold, faint, underlined, inverse, ink, ground }) {
  const node = h("span", {}, value);
  const [front, back] = inverse ? [ground || "var(--term-ground)", ink || "var(--term-ink)"] : [ink, ground];
  if (front) node.style.color = front;
  if (back) node.style.backgroundColor = back;
  if (bold) node.style.fontWeight = "700";
  if (faint) node.style.opacity = "0.7";
  if (underlined) node.style.textDecoration = "underline";
  return node;
}
