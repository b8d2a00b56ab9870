// The page: which view is open, and the loop that keeps it true.

import { get, post } from "./api.js";
import { chatView } from "./chat.js";
import { attribute, text } from "./dom.js";
import { live } from "./live.js";
import { attempt, banner } from "./notices.js";
import { machinesView, passkeyView, queueView, startView, traceView } from "./pages.js";
import { sessionList } from "./sessions.js";
import { startSession } from "./start.js";

const WIDE = matchMedia("(min-width: 760px)");
const main = document.getElementById("main");
const sessions = sessionList(document.getElementById("sessions"));
let overview = null;
let view = null;
let loop = null;
const poke = () => loop?.poke();

function open() {
  const [name, id] = place();
  const views = {
    session: () => chatView(id, poke),
    queue: () => queueView(poke),
    machines: () => machinesView(poke),
    trace: () => traceView(id),
    passkey: () => passkeyView(),
  };
  view = (views[name] ?? startView)();
  document.body.dataset.view = name in views ? name : "start";
  for (const link of document.querySelectorAll("#nav a")) attribute(link, "aria-current", link.dataset.view === name ? "page" : false);
  main.replaceChildren(view.node);
  show();
  // On a phone, focus in the composer would raise the keyboard over what one came to read.
  if (WIDE.matches) view.focus();
  else main.focus({ preventScroll: true });
  poke();
}

/** "#/session/a%2Fb" is ["session", "a/b"]. */
function place() {
  const [, name, id] = /^#\/(\w*)\/?(.*)$/.exec(location.hash) ?? [null, "", ""];
  try {
    return [name, decodeURIComponent(id)];
  } catch {
    return ["", ""];
  }
}

/** Who comes without an aim, on a screen with room, sees the session that spoke last. */
function openNewest() {
  if (location.hash !== "" || !WIDE.matches) return;
  const alive = overview.sessions.filter((session) => session.state !== "ended");
  const newest = alive.sort((one, other) => (other.last?.at ?? 0) - (one.last?.at ?? 0))[0];
  if (newest) location.replace(`#/session/${encodeURIComponent(newest.session_id)}`);
}

async function tick() {
  const opened = view;
  const first = overview === null;
  overview = await get("overview");
  if (first) openNewest();
  await opened.load();
  if (opened === view) show();
}

function show() {
  if (overview === null) return;
  const fresh = sessions.update(overview, view.sessionId);
  attribute(document.body, "data-empty", overview.sessions.length === 0);
  const { dead, queued } = overview.figures;
  const count = document.getElementById("queue-count");
  count.hidden = dead + queued === 0;
  text(count, String(dead + queued));
  attribute(count, "data-bad", dead > 0);
  attribute(count, "aria-label", `${queued} on the way, ${dead} ${dead === 1 ? "needs" : "need"} a decision`);
  view.update(overview);
  document.title = `${fresh > 0 ? `(${fresh}) ` : ""}${[view.title(), "Pointsman"].filter(Boolean).join(" · ")}`;
}

/** One lost answer is no news, unless there is nothing to show yet. */
function report(failure, failures) {
  if (!failure) banner("");
  else if (failures > 1 || overview === null) banner(`${failure.message} Trying again…`);
}

/** Nothing is asked while the cookie goes: its answer would be a 401. */
async function leave() {
  await loop.stop();
  try {
    await post("logout", {});
  } catch (failure) {
    loop = live(tick, report);
    throw failure;
  }
  location.assign("/console/login");
}

document.getElementById("start").addEventListener("click", () => overview && startSession(overview.machines));
const logOut = document.getElementById("log-out");
logOut.addEventListener("click", () => attempt(logOut, leave));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
  view.focus();
});
addEventListener("hashchange", open);
open();
loop = live(tick, report);
