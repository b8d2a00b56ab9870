// Talking to the console's own endpoints.

const TIMEOUT_MS = 15_000;
const PART_MS = 120_000; // half a megabyte over a bad line

/** What the server said no to; `text` is for people, status 0 means: no answer at all. */
export class Refused extends Error {
  constructor(status, code, text) {
    super(sentence(text));
    this.status = status;
    this.code = code;
  }

  /** The same request may succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** The router's words as a sentence. "Try again" is left out: the page does, or shows a button. */
function sentence(words) {
  const said = words.replace(/[;,.]?\s*try again.*$/i, "").replace(/[.\s]+$/, "");
  const end = /[?!…]$/.test(said) ? "" : ".";
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}${end}`;
}

/** A read. */
export async function get(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  return read(await ask(`/console/api/${path}${query && "?"}${query}`, {}));
}

/** A change. Give it a key of newKey(): with the same key it happens once, however often it is repeated. */
export async function post(path, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf() };
  return read(await ask(`/console/api/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

/**
 * Posts what somebody wishes, with a key. Until a wish was answered, the same one goes with the same key: pressed again
 * after an answer that was lost, it happens once.
 */
export function wishes() {
  let key = "";
  let asked = "";
  return async (path, wanted) => {
    const wish = JSON.stringify([path, wanted]);
    if (wish !== asked) key = newKey();
    asked = wish;
    const answer = await post(path, { ...wanted, key });
    asked = "";
    return answer;
  };
}

const csrf = () => document.querySelector('meta[name="csrf-token"]').content;

async function ask(address, options) {
  try {
    return await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
  } catch {
    throw new Refused(0, "OFFLINE", "The console does not answer. Is Pointsman running?");
  }
}

async function read(response) {
  if (!response.ok) throw await refusal(response);
  return response.json().catch(() => ({}));
}

/** Why a request was refused; who is logged in no more is led to the login. */
export async function refusal(response) {
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) location.assign("/console/login");
  return new Refused(response.status, body.code ?? "", body.error ?? `The console answered ${response.status}.`);
}

/** Hands in a part of a file. */
export async function postPart(key, number, part) {
  const headers = { "Content-Type": "application/octet-stream", "X-CSRF-Token": csrf() };
  return read(await ask(`/console/api/upload?file=${key}&number=${number}`, { method: "POST", headers, body: part, signal: AbortSignal.timeout(PART_MS) }));
}

/** A random UUID; crypto.randomUUID is missing on plain http addresses other than loopback. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
