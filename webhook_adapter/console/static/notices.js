// Short words that come and go, and words for screen readers.

import { h, text } from "./dom.js";

const TOAST_MS = 6000;

export function toast(words, { bad = false } = {}) {
  const node = h("p", { class: bad ? "toast bad" : "toast" }, words);
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), TOAST_MS);
}

/** Says it to screen readers, without a visible trace. */
export function announce(words) {
  const place = document.getElementById("announce");
  place.append(h("p", {}, words));
  while (place.children.length > 5) place.firstChild.remove();
}

/** One line at the top for as long as something is wrong; an empty text takes it away. */
export function banner(words) {
  const node = document.getElementById("banner");
  node.hidden = words === "";
  text(node, words);
}

/** Runs what a button does: once at a time, its failure told. Gives whether it went well. */
export async function attempt(button, action) {
  // Not `disabled`: that would take the keyboard's focus away from the button.
  if (button.getAttribute("aria-busy")) return false;
  button.setAttribute("aria-busy", "true");
  try {
    await action();
    return true;
  } catch (error) {
    toast(error.message, { bad: true });
    return false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}
