// States, reasons and times in people's words.

export const SESSION_STATES = {
  unknown: "Running",
  idle: "Ready",
  busy: "Working",
  waiting: "Needs you",
  ended: "Ended",
  starting: "Starting",
};

export const LIVE = ["queued", "sent", "received"];
export const ENDED_BADLY = {
  failed: "Failed",
  uncertain: "Perhaps typed",
  cancelled: "Cancelled",
  expired: "Expired",
  dead: "Given up",
};

const REASONS = {
  ACK_TIMEOUT: "the machine did not confirm it in time",
  SESSION_RESTARTED: "the session was restarted in between",
  SESSION_ENDED: "the session is over",
  SESSION_UNKNOWN: "there is no such session",
  POISON_SUSPECT: "the machine's agent restarted each time it got this",
  MACHINE_REVOKED: "the machine's access was revoked",
  TOO_OLD: "nobody could take it within 24 hours",
  TOO_MANY_ATTEMPTS: "eight attempts failed",
  TTL_EXPIRED: "its time limit ran out",
  CANCELLED: "taken back",
  INBOX_LOST: "the machine lost its inbox",
  AGENT_RESTARTED: "the agent stopped while it was typing",
  BACKEND_ERROR: "the terminal reported an error",
  TARGET_GONE: "the terminal is gone",
  EXIT_CODE: "the program ended with an error",
  UNSUPPORTED: "this kind of session cannot do that",
  NOT_TAKEN: "the program has not taken it",
  TOO_LARGE: "it is too large",
  FOLDER_NOT_ALLOWED: "no session may start there",
  TOO_MANY_SESSIONS: "no more sessions fit on the machine",
  CONVERSATION_OPEN: "the conversation is open already",
  DIALOG_OPEN: "a dialog is open in the terminal",
  LINE_IN_USE: "someone is typing in the terminal",
  QUESTION_OVER: "the question was over by then",
  INPUT_CHANGED: "it was about something else than what is asked",
  CREDENTIAL_OLD: "the machine's key is too old",
  KEY_REPLACED: "the machine's key was replaced, and the old one is shown",
  AGENT_TOO_OLD: "the machine's agent is too old",
  START_NOT_ALLOWED: "the machine's policy allows no start",
  OUTSIDE_HOURS: "the machine's policy allows starts at other hours",
  PROGRAM_NOT_ALLOWED: "the machine's policy does not allow the program",
  PROGRAM_TOO_OLD: "the program on the machine is too old",
  NO_ROOM: "the machine's disk is nearly full",
  QUOTA_SESSIONS: "the machine has as many sessions as it may",
  QUOTA_FILES: "too many files wait already",
  QUOTA_MESSAGES: "too many messages wait already",
  FILE_GONE: "the file is not here any more",
  ROUTER_RESTORED: "the router was put back from a backup",
};

/** "the session is over: exit code 1" */
export function why(command) {
  const reason = REASONS[command.reason] ?? command.reason.toLowerCase().replaceAll("_", " ");
  return [reason, command.detail].filter(Boolean).join(": ");
}

const KEYS = { esc: "Esc", enter: "Enter", tab: "Tab", up: "↑", down: "↓", left: "←", right: "→", space: "Space", backspace: "⌫", "shift-tab": "Shift Tab", "page-up": "Page ↑", "page-down": "Page ↓" };

export function keyName(name) {
  return KEYS[name] ?? name.replace(/^ctrl-(.)$/, (_, letter) => `Ctrl ${letter.toUpperCase()}`);
}

const SOURCES = { telegram: "Telegram", rest: "the REST API", cli: "the command line", grpc: "a program", github: "GitHub" };

/** "Ada, from Telegram"; empty for what was written here. */
export function sender(command) {
  if (command.source === "web" || command.source === "") return "";
  const place = SOURCES[command.source] ?? command.source;
  const name = /\((.+)\)$/.exec(command.actor)?.[1];
  return name ? `${name}, from ${place}` : `From ${place}`;
}

export function commandText(command) {
  return command.key ? keyName(command.key) : command.text;
}

export function sessionName(session) {
  return session.label || session.session_id;
}

/** The name with what tells it from others of that name. */
export function fullName(session) {
  return [sessionName(session), session.distinction].filter(Boolean).join(" · ");
}

/** The end of a path, which tells most: "/srv/build/src/api" is "…/src/api". */
export const shortPath = (path) => (path.split("/").length > 4 ? `…/${path.split("/").slice(-2).join("/")}` : path);

const AGENTS = { claude: "Claude Code", "claude-acp": "Claude Code over ACP", gemini: "Gemini CLI", opencode: "OpenCode", codex: "Codex", qwen: "Qwen Code", copilot: "Copilot", vibe: "Vibe", model: "A model alone" };

/** What people call a coding agent. */
export const agentName = (name) => AGENTS[name] ?? name;

/** "1 session", "2 sessions" */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export const clock = (seconds) => TIME.format(seconds * 1000);
export const fullTime = (seconds) => FULL.format(seconds * 1000);

const MOMENT = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** "09:00", and with its day where that is another one: "Thu, Dec 3, 09:00". */
export const minute = (seconds) => MINUTE.format(seconds * 1000);
export const moment = (seconds) => (day(seconds) === "Today" ? minute(seconds) : MOMENT.format(seconds * 1000));

/** The time zone of this place, as the IANA names it. */
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What a time shows on hover: all of it, by the clock of this place. */
export const hover = (seconds) => `${fullTime(seconds)} (${ago(seconds)})`;

const QUARTER = 900; // seconds: no place's midnight falls within one
const days = new Map(); // by quarter of an hour, for this minute: a long conversation asks for each of its rows
let daysOf = 0;

export function day(seconds) {
  const minuteNow = Math.floor(Date.now() / 60_000);
  if (minuteNow !== daysOf) days.clear();
  daysOf = minuteNow;
  const quarter = Math.floor(seconds / QUARTER);
  if (!days.has(quarter)) days.set(quarter, dayOf(seconds));
  return days.get(quarter);
}

function dayOf(seconds) {
  const date = new Date(seconds * 1000).toDateString();
  if (date === new Date().toDateString()) return "Today";
  if (date === new Date(Date.now() - 86_400_000).toDateString()) return "Yesterday";
  return DAY.format(seconds * 1000);
}

/** How long since then: "now", "5 min", "3 h", "2 d". */
export function since(seconds) {
  const passed = Date.now() / 1000 - seconds;
  if (passed < 45) return "now";
  if (passed < 3600) return `${Math.max(1, Math.round(passed / 60))} min`;
  if (passed < 86_400) return `${Math.round(passed / 3600)} h`;
  return `${Math.round(passed / 86_400)} d`;
}

export const ago = (seconds) => (since(seconds) === "now" ? "just now" : `${since(seconds)} ago`);

/** The size of a file, as people read it. */
export function bytes(count) {
  if (count < 1000) return `${count} bytes`;
  return count < 1_000_000 ? `${Math.round(count / 1000)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
}
