// The page without a line: the last state, and a place to write. It ends by itself when the line is back.

import { waitingList } from "./offline-queue.js";

const LOOK_MS = 5_000;
const main = document.getElementById("main");
const make = (name, text, className = "") => Object.assign(document.createElement(name), { textContent: text, className });

async function begin() {
  const person = (await kept.get("login"))?.person ?? "";
  const state = await kept.get("state");
  document.getElementById("waiting").append(waitingList(person));
  const when = state ? new Date(state.at).toLocaleString() : "";
  main.append(make("p", state ? `There is no line to Pointsman. This is how it stood ${when}.` : "There is no line to Pointsman, and nothing is kept here of what was before.", "notice"));
  for (const session of state?.sessions.filter((one) => one.state !== "ended") ?? []) main.append(card(session, state, person));
}

function card(session, { chats }, person) {
  const name = session.label || session.session_id;
  const box = document.createElement("details");
  const said = document.createElement("ol");
  for (const item of chats.find((one) => one.session === session.session_id)?.items ?? []) said.append(make("li", item.text ?? "", item.kind === "said" ? "" : "mine"));
  if (said.childElementCount === 0) said.append(make("li", session.last?.text ?? "Nothing is kept of it."));
  box.append(make("summary", `${name} · ${session.machine_id} · ${session.state}`), said, form(session.session_id, name, person));
  return box;
}

function form(session, name, person) {
  const made = document.createElement("form");
  const field = Object.assign(document.createElement("textarea"), { rows: 2, maxLength: 65536 });
  field.setAttribute("aria-label", `Message to ${name}, sent when the line is back`);
  made.append(field, Object.assign(make("button", "Send when the line is back", "button primary"), { type: "submit" }));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value;
    if (text.trim() === "") return;
    const key = crypto.randomUUID();
    await kept.enqueue({ key, path: "send", body: { key, session, text }, who: person, at: Date.now(), tried: 0, refused: "" });
    field.value = "";
    const worker = await navigator.serviceWorker.ready;
    await worker.sync?.register("queue").catch(() => {});
    worker.active.postMessage("flush");
  });
  return made;
}

async function back() {
  const there = await fetch("/health/live", { cache: "no-store" }).then((answer) => answer.ok, () => false);
  if (there && location.pathname === "/console/") location.reload();
}

document.getElementById("again").addEventListener("click", back);
addEventListener("online", back);
setInterval(back, LOOK_MS);
begin();
