// Modal questions.

import { h, text } from "./dom.js";

/**
 * A modal question; settles with whether it was answered with yes. act() runs before it closes; where it fails, the
 * dialog stays and says why, with everything that was filled in.
 */
export function dialog(title, content, yes, act = async () => {}) {
  const trouble = h("p", { class: "notice bad", role: "alert", hidden: true });
  const confirm = yes && h("button", { class: "button primary", type: "submit" }, yes);
  const close = h("button", { class: "button", type: "button" }, yes ? "Cancel" : "Close");
  const form = h("form", {}, h("h2", { id: "dialog-title" }, title), content, trouble, h("div", { class: "dialog-buttons" }, close, confirm));
  const box = h("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, form);
  close.addEventListener("click", () => box.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!yes || confirm.getAttribute("aria-busy")) return;
    confirm.setAttribute("aria-busy", "true");
    trouble.hidden = true;
    try {
      await act();
      box.close("yes");
    } catch (failure) {
      text(trouble, failure.message);
      trouble.hidden = false;
    }
    confirm.removeAttribute("aria-busy");
  });
  document.body.append(box);
  box.showModal();
  return new Promise((resolve) => box.addEventListener("close", () => {
    box.remove();
    resolve(box.returnValue === "yes");
  }));
}
