// What was not read yet, as the router keeps it for all pages of a person; and what is muted, which this browser keeps.

import { post } from "./api.js";

const MUTED = "pointsman:muted";
const muted = new Set(JSON.parse(localStorage.getItem(MUTED) ?? "[]"));
let read = {}; // by session: the newest notification that was before somebody's eyes
let saying = {}; // what is on its way to the router

/** What the router knows. */
export function takeRead(marks) {
  read = marks;
  saying = {};
}

/** Whether a session's last words are new to this person. What is open and looked at is read at once. */
export function isFresh({ session_id: id, last }, openId) {
  if (!last || read[id] === last.id || muted.has(id)) return false;
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

export const isMuted = (id) => muted.has(id);

export function mute(id, on) {
  if (on) muted.add(id);
  else muted.delete(id);
  localStorage.setItem(MUTED, JSON.stringify([...muted]));
}
