// What was written here and is not confirmed by the router yet. It outlives the view: leaving a chat loses nothing.

import { newKey, post } from "./api.js";
import { toast } from "./notices.js";

const LONGEST_MS = 5_000;
const waiting = new Map();
const listed = new Map();
const listeners = new Map(); // by session: what shows it now

/** The unconfirmed messages of a session, oldest first. */
export function pendingOf(sessionId) {
  return waiting.get(sessionId) ?? [];
}

/** Those that no listed command shows yet: a command can be listed before its own confirmation is here. */
export function pendingBeside(sessionId, items) {
  const fresh = (item) => items.some((one) => one.source === "web" && one.text === item.text && !item.known.has(one.command_id));
  return pendingOf(sessionId).filter((item) => !fresh(item));
}

/** changed() follows every turn of what is sent to a session, also of what was written in a view that is gone. */
export function listen(sessionId, changed) {
  listeners.set(sessionId, changed);
}

const changed = (sessionId) => listeners.get(sessionId)?.();

/** Sends text, again and again with the same key while the way is blocked. */
export function send(sessionId, text) {
  const item = { kind: "pending", key: newKey(), text, failure: "", waits: true, confirmedAs: null, known: listed.get(sessionId) ?? new Set() };
  const rows = [...pendingOf(sessionId), item];
  waiting.set(sessionId, rows);
  item.again = () => deliver(sessionId, item);
  item.discard = () => forget(sessionId, item);
  deliver(sessionId, item);
}

/** Forgets those whose commands are listed now. */
export function confirmed(sessionId, commandIds) {
  listed.set(sessionId, commandIds);
  const left = pendingOf(sessionId).filter((item) => !commandIds.has(item.confirmedAs));
  waiting.set(sessionId, left);
}

async function deliver(sessionId, item, tries = 0) {
  if (tries === 0) item.failure = "";
  changed(sessionId);
  try {
    const answer = await post("send", { session: sessionId, text: item.text, key: item.key });
    item.failure = "";
    item.confirmedAs = answer.command_id;
    if (!answer.command_id) {
      toast(answer.answer);
      forget(sessionId, item);
    }
    changed(sessionId);
  } catch (error) {
    item.failure = error.message;
    item.waits = Boolean(error.passing);
    if (item.waits) setTimeout(() => retry(sessionId, item, tries + 1), Math.min(1000 * 2 ** tries, LONGEST_MS));
    changed(sessionId);
  }
}

function retry(sessionId, item, tries) {
  if (pendingOf(sessionId).includes(item)) deliver(sessionId, item, tries);
}

function forget(sessionId, item) {
  waiting.set(sessionId, pendingOf(sessionId).filter((other) => other !== item));
  changed(sessionId);
}
