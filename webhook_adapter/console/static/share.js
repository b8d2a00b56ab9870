// What another app shared: a session is chosen for it, and it is sent there.

const PART = 512 * 1024; // bytes: what the console takes at once
const at = (id) => document.getElementById(id);
const say = (words) => (at("state").textContent = words);
const newKey = () => crypto.randomUUID();

class Refused extends Error {}

async function ask(path, options = {}) {
  const answer = await fetch(`/console/api/${path}`, { cache: "no-store", ...options });
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new Refused("Log in first, then share again.");
  if (!answer.ok) throw new Refused(body.error ?? `The console answered ${answer.status}.`);
  return body;
}

async function post(path, body, type = "application/json") {
  const headers = { "Content-Type": type, "X-CSRF-Token": (await kept.get("login"))?.csrf ?? "" };
  return ask(path, { method: "POST", headers, body });
}

const keys = new Map();

/** Sent again after a line that broke, the same is the same message; what was changed meanwhile is another. */
function keyOf(...wish) {
  const words = JSON.stringify(wish);
  if (!keys.has(words)) keys.set(words, newKey());
  return keys.get(words);
}

async function upload(file) {
  const key = newKey();
  for (let number = 0; number * PART < file.size; number += 1) {
    const part = file.slice(number * PART, (number + 1) * PART);
    await post(`upload?file=${key}&number=${number}`, part, "application/octet-stream");
  }
  return { key, name: file.name, size: file.size };
}

/** A text goes with the first file; each further file is a message of its own. */
async function send(shared, session, text) {
  const files = shared.files.length > 0 ? shared.files : [null];
  for (const [number, file] of files.entries()) {
    const body = { session, text: number === 0 ? text : "" };
    body.key = keyOf(number, body);
    if (file) body.file = await upload(file);
    await post("send", JSON.stringify(body));
  }
}

async function begin() {
  const shared = await kept.get("shared");
  if (!shared) return say("Nothing was shared.");
  const { sessions } = await ask("overview");
  for (const session of sessions.filter((one) => one.state !== "ended")) at("session").append(new Option(`${session.label || session.session_id} · ${session.machine_id}`, session.session_id));
  at("text").value = shared.text;
  for (const file of shared.files) at("files").append(Object.assign(document.createElement("li"), { textContent: `${file.name} (${file.size} bytes)` }));
  say(shared.tooLarge ? "The files have more than 20 MiB together, and were left out." : "");
  at("share").hidden = false;
  at("discard").addEventListener("click", done);
  at("share").addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter;
    button.disabled = true;
    send(shared, at("session").value, at("text").value).then(done, (failure) => {
      button.disabled = false;
      say(failure instanceof Refused ? failure.message : "There is no line. What you shared is kept here.");
    });
  });
}

async function done() {
  const session = at("session").value;
  await kept.remove("shared");
  location.assign(session ? `/console/#/session/${encodeURIComponent(session)}` : "/console/");
}

begin().catch((failure) => say(failure.message));
