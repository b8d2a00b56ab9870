// What was written here and is not confirmed by the router yet. It outlives the view: leaving a chat loses nothing.

import { newKey, post } from "./api.js";
import { toast } from "./notices.js";

const LONGEST_MS = 5_000;
const waiting = new Map();
const listed = new Map();

/** The unconfirmed messages of a session, oldest first. */
export function pendingOf(sessionId) {
  return waiting.get(sessionId) ?? [];
}

/** Those that no listed command shows yet: a command can be listed before its own confirmation is here. */
export function pendingBeside(sessionId, items) {
  const fresh = (item) => items.some((one) => one.source === "web" && one.text === item.text && !item.known.has(one.command_id));
  return pendingOf(sessionId).filter((item) => !fresh(item));
}

/** Sends text, again and again with the same key while the way is blocked; changed() follows every turn of it. */
export function send(sessionId, text, changed) {
  const item = { kind: "pending", key: newKey(), text, failure: "", waits: true, confirmedAs: null, known: listed.get(sessionId) ?? new Set() };
  const rows = [...pendingOf(sessionId), item];
  waiting.set(sessionId, rows);
  item.again = () => deliver(sessionId, item, changed);
  item.discard = () => forget(sessionId, item, changed);
  deliver(sessionId, item, changed);
}

/** Forgets those whose commands are listed now. */
export function confirmed(sessionId, commandIds) {
  listed.set(sessionId, commandIds);
  const left = pendingOf(sessionId).filter((item) => !commandIds.has(item.confirmedAs));
  waiting.set(sessionId, left);
}

async function deliver(sessionId, item, changed, tries = 0) {
  if (tries === 0) item.failure = "";
  changed();
  try {
    const answer = await post("send", { session: sessionId, text: item.text, key: item.key });
    item.failure = "";
    item.confirmedAs = answer.command_id;
    if (!answer.command_id) {
      toast(answer.answer);
      forget(sessionId, item, changed);
    }
    changed();
  } catch (error) {
    item.failure = error.message;
    item.waits = Boolean(error.passing);
    if (item.waits) setTimeout(() => retry(sessionId, item, changed, tries + 1), Math.min(1000 * 2 ** tries, LONGEST_MS));
    changed();
  }
}

function retry(sessionId, item, changed, tries) {
  if (pendingOf(sessionId).includes(item)) deliver(sessionId, item, changed, tries);
}

function forget(sessionId, item, changed) {
  waiting.set(sessionId, pendingOf(sessionId).filter((other) => other !== item));
  changed();
}
