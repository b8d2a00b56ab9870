// Talking to the console's own endpoints.

const TIMEOUT_MS = 15_000;
const REMEMBERED = 20;
const seen = new Map();

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

/** A read. The very same object comes back for as long as nothing changed. */
export async function get(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  const address = `/console/api/${path}${query && "?"}${query}`;
  const known = seen.get(address);
  const response = await ask(address, { headers: known ? { "If-None-Match": known.etag } : {} });
  if (response.status === 304) return known.value;
  const value = await read(response);
  const etag = response.headers.get("ETag");
  if (etag) seen.set(address, { etag, value });
  if (seen.size > REMEMBERED) seen.delete(seen.keys().next().value);
  return value;
}

/** A change. Give it a key of newKey(): with the same key it happens once, however often it is repeated. */
export async function post(path, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf() };
  return read(await ask(`/console/api/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
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
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  if (response.status === 401) location.assign("/console/login");
  throw new Refused(response.status, body.code ?? "", body.error ?? `The console answered ${response.status}.`);
}

/** A random UUID; crypto.randomUUID is missing on plain http addresses other than loopback. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
