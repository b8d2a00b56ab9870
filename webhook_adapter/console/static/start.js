// Starting a session from the page: on which machine, in which of its folders, with what to do.

import { newKey, post } from "./api.js";
import { dialog } from "./dialog.js";
import { h } from "./dom.js";

const NOWHERE =
  "No machine lets sessions be started from here yet. At a machine: set POINTSMAN_START_FOLDERS to folders where they may, such as ~/src, and start its agent again.";

export const mayStart = (machine) => machine.start_folders.length > 0 && !machine.revoked && machine.closed_gates.length === 0;

/** Asks what to start and opens what was started. `given` may hold a machine, a folder and a prompt to begin with. */
export async function startSession(machines, given = {}) {
  const open = machines.filter(mayStart);
  const shut = machines.flatMap((one) => (one.revoked ? [] : one.closed_gates.map((gate) => gate.text))).join(" ");
  if (open.length === 0) return dialog("Start a session", h("p", {}, shut || NOWHERE), "");
  const machine = h("select", { id: "start-machine" }, machines.filter((one) => !one.revoked).map(machineOption));
  machine.value = (open.find((one) => one.machine_id === given.machine) ?? open.find((one) => one.connected) ?? open[0]).machine_id;
  const folder = h("select", { id: "start-folder" });
  const below = h("input", { id: "start-below", maxlength: "2000", placeholder: "the folder itself", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const prompt = h("textarea", { id: "start-prompt", rows: "3", maxlength: "65536", required: true, placeholder: "Fix the failing test in…" });
  const offer = () => {
    const chosen = open.find((one) => one.machine_id === machine.value);
    const folders = chosen.machine_id === given.machine && given.folder ? [given.folder, ...chosen.start_folders] : chosen.start_folders;
    folder.replaceChildren(...[...new Set(folders)].map((name) => h("option", { value: name }, name)));
  };
  machine.addEventListener("change", offer);
  offer();
  prompt.value = given.prompt ?? "";
  prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) prompt.form.requestSubmit();
  });
  return dialog("Start a session", fields(machine, folder, below, prompt), "Start", begin(machine, folder, below, prompt));
}

function machineOption(machine) {
  const note = !mayStart(machine) ? " (allows no starts)" : machine.connected ? "" : " (away: starts when it is back)";
  return h("option", { value: machine.machine_id, disabled: !mayStart(machine) }, `${machine.machine_id}${note}`);
}

function fields(machine, folder, below, prompt) {
  const labelled = (label, field) => [h("label", { for: field.id }, label), field];
  return [
    h("p", { class: "quiet" }, "Claude Code begins there, without a terminal, and answers in a chat of its own here."),
    ...labelled("What it should do", prompt),
    ...labelled("Machine", machine),
    ...labelled("Folder", folder),
    ...labelled("Below it (optional)", below),
  ];
}

/** What the dialog does. The key changes with the words: sent again, the same words start nothing twice. */
function begin(machine, folder, below, prompt) {
  let key = newKey();
  let said = "";
  return async () => {
    const inside = below.value.trim().replace(/^\/+/, "");
    const wanted = { machine_id: machine.value, folder: [folder.value.replace(/\/$/, ""), inside].filter(Boolean).join("/"), prompt: prompt.value };
    if (said !== "" && said !== JSON.stringify(wanted)) key = newKey();
    said = JSON.stringify(wanted);
    const started = await post("start", { ...wanted, key });
    location.hash = `#/session/${encodeURIComponent(started.session_id)}`;
  };
}
