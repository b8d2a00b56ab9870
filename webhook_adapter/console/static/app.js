// The page: which view is open, and the stream that keeps it true.

import { post } from "./api.js";
import { ladderView } from "./audience.js";
import { chatView } from "./chat.js";
import { Conversation } from "./conversation.js";
import { attribute, text } from "./dom.js";
import { findView } from "./find.js";
import { inboxView } from "./inbox.js";
import { attempt, banner } from "./notices.js";
import { notesView } from "./notes.js";
import { workspacesView } from "./workspaces.js";
import { machinesView, passkeyView, queueView, startView, traceView } from "./pages.js";
import { rulesView } from "./rules.js";
import { scheduleView } from "./schedule.js";
import { needsYou, sessionList } from "./sessions.js";
import { settingsView } from "./settings.js";
import { sheet, shortcuts } from "./shortcuts.js";
import { startSession } from "./start.js";
import { stream } from "./stream.js";
import { takeRead } from "./unread.js";

const WIDE = matchMedia("(min-width: 760px)");
const KEPT = 6; // conversations that are there at once when one goes back to them
const main = document.getElementById("main");
const sessions = sessionList(document.getElementById("sessions"));
const conversations = new Map();
let overview = null;
let questions = [];
let digests = ["", ""];
let said = ""; // what is known of what the session is saying: its digest
let readDigest = ""; // of what was read on all pages of this person
let rest = ""; // of what the open page shows beside: its digest
let view = null;
let following = null;
const arrived = []; // events of the answer that is coming in

function open() {
  const [name, id, seq] = place();
  if (name === "session" && view?.sessionId === id) {
    if (seq) view.reveal(seq);
    return;
  }
  view?.close?.();
  const views = {
    session: () => chatView(conversationOf(id), seq),
    inbox: () => inboxView(),
    queue: () => queueView(),
    later: () => scheduleView(),
    machines: () => machinesView(),
    trace: () => traceView(id),
    passkey: () => passkeyView(),
    search: () => findView(id),
    settings: () => settingsView(),
    notes: () => notesView(),
    workspaces: () => workspacesView(),
    rules: () => rulesView(),
    ladder: () => ladderView(),
  };
  view = (views[name] ?? startView)();
  rest = said = "";
  arrived.length = 0;
  document.body.dataset.view = name in views ? name : "start";
  for (const link of document.querySelectorAll("#nav a, #side-tools a")) attribute(link, "aria-current", link.dataset.view === name ? "page" : false);
  main.replaceChildren(view.node);
  show();
  // On a phone, focus in the composer would raise the keyboard over what one came to read.
  if (WIDE.matches) view.focus();
  else main.focus({ preventScroll: true });
  following?.again();
  load();
}

/** "#/session/a%2Fb/12" is ["session", "a/b", 12]. */
function place() {
  const [, name, id, seq] = /^#\/(\w*)\/?([^/]*)\/?(\d*)$/.exec(location.hash) ?? [null, "", "", ""];
  try {
    return [name, decodeURIComponent(id), Number(seq)];
  } catch {
    return ["", "", 0];
  }
}

function conversationOf(id) {
  const known = conversations.get(id) ?? new Conversation(id);
  conversations.delete(id);
  conversations.set(id, known);
  if (conversations.size > KEPT) conversations.delete(conversations.keys().next().value);
  return known;
}

/** Who comes without an aim, on a screen with room, sees the session that spoke last. */
function openNewest() {
  if (location.hash !== "" || !WIDE.matches) return;
  const alive = overview.sessions.filter((session) => session.state !== "ended");
  const newest = alive.sort((one, other) => (other.last?.at ?? 0) - (one.last?.at ?? 0))[0];
  if (newest) location.replace(`#/session/${encodeURIComponent(newest.session_id)}`);
}

/** What no stream tells: the story of one thing. */
async function load() {
  const opened = view;
  try {
    await opened.load();
  } catch (failure) {
    banner(failure.message);
  }
  if (opened === view) show();
}

const openConversation = () => (view?.sessionId ? conversations.get(view.sessionId) : null);

function address() {
  const asked = view?.sessionId ? { session: view.sessionId } : view?.page ? { page: view.page } : {};
  return `/console/api/live?${new URLSearchParams(asked)}`;
}

function cursor() {
  const known = openConversation();
  return [known?.last ?? 0, ...digests, known ? known.chatDigest : rest, readDigest, said].join(".");
}

function take(name, data, id) {
  const [, forOverview, forQuestions, other, forRead, forSaying] = id.split(".");
  const conversation = openConversation();
  if (name === "overview") {
    const first = overview === null;
    overview = data;
    if (first) openNewest();
    if (isStarting) start();
    else if (view.page === undefined) load();
  }
  if (name === "questions") questions = data.questions;
  if (name === "chat") conversation?.take(data);
  if (name === "did") arrived.push(data);
  if (name === "saying") conversation?.hear(data);
  if (name === "anew") conversation?.clear();
  if (name === "queue" || name === "scheduled") view.take?.(data);
  if (name === "read") takeRead(data.marks);
  digests = [forOverview, forQuestions];
  said = forSaying;
  readDigest = forRead;
  if (conversation) conversation.chatDigest = other;
  else rest = other;
}

function done() {
  openConversation()?.add(arrived.splice(0));
  show();
}

function show() {
  if (overview === null) return;
  const asking = Map.groupBy(questions, (item) => item.session_id);
  for (const session of overview.sessions) session.asks = session.state === "ended" ? 0 : (asking.get(session.session_id)?.length ?? 0);
  const fresh = sessions.update(overview, view.sessionId);
  attribute(document.body, "data-empty", overview.sessions.length === 0);
  const { dead, queued } = overview.figures;
  badge("queue-count", dead + queued, `${queued} on the way, ${dead} ${dead === 1 ? "needs" : "need"} a decision`, dead > 0);
  badge("inbox-count", questions.length, `${questions.length} open`, false);
  view.update(overview, questions);
  const calls = fresh + questions.filter((item) => item.session_id !== view.sessionId).length;
  document.title = `${calls > 0 ? `(${calls}) ` : ""}${[view.title(), "Pointsman"].filter(Boolean).join(" · ")}`;
}

function badge(id, number, words, isBad) {
  const count = document.getElementById(id);
  count.hidden = number === 0;
  text(count, String(number));
  attribute(count, "data-bad", isBad);
  attribute(count, "aria-label", words);
}

/** One lost answer is no news, unless there is nothing to show yet. */
function report(failure, failures) {
  arrived.length = 0; // what came before a break comes again
  if (!failure) banner("");
  else if (failures > 1 || overview === null) banner(`${failure.message} Trying again…`);
}

const follow = () => stream({ address, cursor, on: take, done, report });

/** Nothing is asked while the cookie goes: its answer would be a 401. */
async function leave() {
  await following.stop();
  try {
    await post("logout", {});
  } catch (failure) {
    following = follow();
    throw failure;
  }
  location.assign("/console/login");
}

let isStarting = false; // asked for before anything is known
function start() {
  if (overview) startSession(overview.machines);
  isStarting = overview === null;
}

document.getElementById("start").addEventListener("click", start);
const logOut = document.getElementById("log-out");
logOut.addEventListener("click", () => attempt(logOut, leave));
document.getElementById("keyboard").addEventListener("click", sheet);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
  view.focus();
});

/** The session that stands so many rows further in the list. */
function step(by) {
  const links = [...document.querySelectorAll("#sessions a.row")];
  const at = links.findIndex((link) => link.getAttribute("aria-current"));
  links[Math.min(links.length - 1, Math.max(0, at + by))]?.click();
}

function needy() {
  const others = overview?.sessions.filter((session) => needsYou(session) && session.session_id !== view.sessionId) ?? [];
  if (others[0]) location.hash = `#/session/${encodeURIComponent(others[0].session_id)}`;
}

shortcuts({ start, step, needy, write: () => view.focus(), terminal: () => view.head?.showScreen(), attach: () => view.field?.attach() });
addEventListener("hashchange", open);
open();
following = follow();
