// What a person can do with a command: cancel, retry, send it elsewhere, drop it, look at its story.

import { newKey, post } from "./api.js";
import { h } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { LIVE, commandText, sessionName } from "./words.js";

/** The buttons that fit a command's state; changed() is called when one of them did something. */
export function commandButtons(command, sessions, changed) {
  const act = (label, action, style = "") => {
    const button = h("button", { class: `button small ${style}`, type: "button" }, label);
    button.addEventListener("click", () => attempt(button, action).then(changed));
    return button;
  };
  const { command_id } = command;
  const waits = ["dead", "uncertain"].includes(command.state) && !command.dropped;
  const buttons = [];
  if (LIVE.includes(command.state)) {
    buttons.push(act("Cancel", () => post("cancel", { command_id, key: newKey() })));
  } else if (command.state !== "done") {
    const again = command.state === "uncertain" ? "Type it again" : "Retry";
    buttons.push(act(again, () => post("retry", { command_id, key: newKey() }), waits ? "primary" : ""));
    if (waits || command.state === "failed") buttons.push(act("Send to…", () => sendElsewhere(command, sessions())));
    if (waits) buttons.push(act("Drop", () => post("drop", { command_id, key: newKey() })));
  }
  buttons.push(h("a", { class: "button ghost small", href: `#/trace/${encodeURIComponent(command_id)}` }, "Trace"));
  return buttons;
}

async function sendElsewhere(command, sessions) {
  const others = sessions.filter((session) => session.state !== "ended");
  if (others.length === 0) throw new Error("There is no session to send it to. Start one with: pointsman run -- claude");
  const select = h("select", { id: "elsewhere" }, others.map((session) => h("option", { value: session.session_id }, `${sessionName(session)} on ${session.machine_id}`)));
  const chosen = await dialog("Send to another session", [
    h("p", { class: "quoted" }, commandText(command)),
    h("label", { for: "elsewhere" }, "Session"),
    select,
  ], "Send");
  if (!chosen) return;
  await post("retry", { command_id: command.command_id, session: select.value, key: newKey() });
  toast(`Sent to ${select.selectedOptions[0].textContent}.`);
}

/** A modal question; true when it was answered with yes, false when it was closed. */
export function dialog(title, content, yes) {
  const box = h("dialog", { class: "dialog", "aria-labelledby": "dialog-title" },
    h("form", { method: "dialog" },
      h("h2", { id: "dialog-title" }, title),
      content,
      h("div", { class: "dialog-buttons" },
        h("button", { class: "button", value: "", type: "submit", formnovalidate: true }, yes ? "Cancel" : "Close"),
        yes && h("button", { class: "button primary", value: "yes", type: "submit" }, yes))));
  // Enter presses a form's first submit button; it has to be the one that says yes.
  if (yes) box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target instanceof HTMLButtonElement) return;
    event.preventDefault();
    box.close("yes");
  });
  document.body.append(box);
  box.showModal();
  return new Promise((resolve) => box.addEventListener("close", () => {
    box.remove();
    resolve(box.returnValue === "yes");
  }));
}
