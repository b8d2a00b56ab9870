// What a person can do with a command: cancel, retry, send it elsewhere, drop it, look at its story.

import { newKey, post, wishes } from "./api.js";
import { dialog } from "./dialog.js";
import { h } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { startSession } from "./start.js";
import { LIVE, commandText, fullName } from "./words.js";

/** The buttons that fit a command's state; overview() tells what is there. */
export function commandButtons(command, overview) {
  const act = (label, action, style = "") => {
    const button = h("button", { class: `button small ${style}`, type: "button" }, label);
    button.addEventListener("click", () => attempt(button, action));
    return button;
  };
  const { command_id } = command;
  const waits = ["dead", "uncertain"].includes(command.state) && !command.dropped;
  const wish = wishes();
  const buttons = [];
  if (LIVE.includes(command.state)) {
    buttons.push(act("Cancel", () => wish("cancel", { command_id })));
  } else if (command.state !== "done") {
    const again = command.state === "uncertain" ? "Type it again" : "Retry";
    buttons.push(act(again, () => wish("retry", { command_id }), waits ? "primary" : ""));
    if (waits || command.state === "failed") buttons.push(act("Send to…", () => sendElsewhere(command, overview())));
    if (waits) buttons.push(act("Drop", () => wish("drop", { command_id })));
  }
  buttons.push(h("a", { class: "button ghost small", href: `#/trace/${encodeURIComponent(command_id)}` }, "Trace"));
  return buttons;
}

async function sendElsewhere(command, { sessions, machines }) {
  const others = sessions.filter((session) => session.state !== "ended");
  if (others.length === 0) return startSession(machines, { prompt: command.text });
  const name = (session) => [fullName(session), machines.length > 1 && `on ${session.machine_id}`].filter(Boolean).join(" ");
  const select = h("select", { id: "elsewhere" }, others.map((session) => h("option", { value: session.session_id }, name(session))));
  const again = () => post("retry", { command_id: command.command_id, session: select.value, key });
  const key = newKey();
  const chosen = await dialog("Send to another session", [
    h("p", { class: "quoted" }, commandText(command)),
    h("label", { for: "elsewhere" }, "Session"),
    select,
  ], "Send", again);
  if (chosen) toast(`Sent to ${select.selectedOptions[0].textContent}.`);
}
