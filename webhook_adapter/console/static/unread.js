// What was not seen yet, and what is muted. Both are kept in this browser alone, and the page says so.

const SEEN = "pointsman:seen";
const MUTED = "pointsman:muted";
const seen = JSON.parse(localStorage.getItem(SEEN) ?? "{}");
const muted = new Set(JSON.parse(localStorage.getItem(MUTED) ?? "[]"));

/** Whether a session's last words are new here. What is open and looked at is seen at once. */
export function isFresh({ session_id: id, last }, openId) {
  if (!last || seen[id] === last.id || muted.has(id)) return false;
  if (id !== openId || document.hidden) return true;
  seen[id] = last.id;
  localStorage.setItem(SEEN, JSON.stringify(seen));
  return false;
}

export const isMuted = (id) => muted.has(id);

export function mute(id, on) {
  if (on) muted.add(id);
  else muted.delete(id);
  localStorage.setItem(MUTED, JSON.stringify([...muted]));
}
