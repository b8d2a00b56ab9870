// What was not read yet, as the router keeps it for all pages of a person; and what is muted, which this browser keeps.

import { post } from "./api.js";
import { clock } from "./words.js";

const MUTED = "pointsman:muted";
const muted = new Map(JSON.parse(localStorage.getItem(MUTED) ?? "[]").map((each) => (Array.isArray(each) ? [each[0], each[1] ?? Infinity] : [each, Infinity]))); // by session: until when
let read = {}; // by session: the newest notification that was before somebody's eyes
let saying = {}; // what is on its way to the router

/** What the router knows. */
export function takeRead(marks) {
  read = marks;
  saying = {};
}

/** Whether a session's last words are new to this person. What is open and looked at is read at once. */
export function isFresh({ session_id: id, last }, openId) {
  if (!last || read[id] === last.id || isMuted(id)) return false;
  if (id !== openId || document.hidden) return true;
  say(id, last.id);
  return false;
}

function say(session, notification) {
  if (saying[session] === notification) return;
  saying[session] = notification;
  // Lost on the way, it is said again with the next look.
  post("read", { session, notification }).then(() => (read[session] = notification), () => delete saying[session]);
}

export const isMuted = (id) => (muted.get(id) ?? 0) > Date.now();

/** " (until 18:00)", for what has an end. */
export const mutedUntil = (id) => (Number.isFinite(muted.get(id)) ? ` (until ${clock(muted.get(id) / 1000)})` : "");

/** Until a moment in milliseconds; Infinity: for good, 0: not at all. */
export function mute(id, until) {
  if (until) muted.set(id, until);
  else muted.delete(id);
  localStorage.setItem(MUTED, JSON.stringify([...muted]));
}
