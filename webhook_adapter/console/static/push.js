// What makes the console an app: the service worker, notifications, what was written without a line, the last state.

import { get, post } from "./api.js";
import { h } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { waitingList } from "./offline-queue.js";
import { SET_NOTIFICATIONS } from "./settings.js";

const WANTED = "pointsman:push";
const QUIET = "pointsman:quiet-hours";
const LOOK_MS = 20_000;
const KEEP_MS = 60_000;
const CHATS_KEPT = 10;
const WORKER = "/console/sw.js";

/** The one script that may run as a worker: whatever else asks for one is refused by the browser. */
const policy = globalThis.trustedTypes?.createPolicy("pointsman-worker", {
  createScriptURL: (address) => {
    if (address !== WORKER) throw new TypeError("no worker of ours");
    return address;
  },
});

const openSession = () => {
  const found = /^#\/session\/(.+)$/.exec(location.hash);
  return found && !document.hidden && document.hasFocus() ? decodeURIComponent(found[1]) : "";
};

/** After a reload that goes past the service worker, that sees no logout: what others could read goes all the same. */
function leave() {
  if (!navigator.serviceWorker.controller) for (const name of ["state", "shared", "shown", "login"]) kept.remove(name);
}

async function begin() {
  document.getElementById("log-out").addEventListener("click", leave);
  const { csrf, person } = meta();
  await greet({ csrf, person });
  await navigator.serviceWorker.register(policy?.createScriptURL(WORKER) ?? WORKER, { scope: "/console/" });
  const worker = await navigator.serviceWorker.ready;
  document.getElementById("push").prepend(waitingList(person));
  const flush = () => worker.active.postMessage("flush");
  addEventListener("online", flush);
  flush();
  if (localStorage.getItem(WANTED) && Notification.permission === "granted") await subscribe(worker).catch(() => {});
  watch(worker);
}

const meta = () => {
  const of = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
  return { csrf: of("csrf-token"), person: of("person") };
};

/** The last state that is kept here is nobody else's. What they wrote waits for them, and nobody reads it. */
async function greet(login) {
  if ((await kept.get("login"))?.person !== login.person) await kept.remove("state");
  await kept.put("login", login);
}

// --- notifications ---

async function subscribe(worker) {
  const { key } = await get("push");
  const wanted = bytes(key);
  let subscription = await worker.pushManager.getSubscription();
  const has = subscription?.options.applicationServerKey;
  if (has && !same(new Uint8Array(has), wanted)) {
    await subscription.unsubscribe(); // of a router that was there before
    subscription = null;
  }
  subscription ??= await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: wanted });
  const { endpoint, keys } = subscription.toJSON();
  await post("push-subscribe", { endpoint, keys, quiet: localStorage.getItem(QUIET) ?? "" });
  localStorage.setItem(WANTED, "yes");
}

async function unsubscribe(worker) {
  localStorage.removeItem(WANTED);
  await post("push-end", {});
  await (await worker.pushManager.getSubscription())?.unsubscribe();
}

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);

/** The dialog behind a button of the settings. */
function settings() {
  const quiet = h("input", { id: "push-quiet", placeholder: "22:00-07:00", maxlength: "16", autocomplete: "off", "aria-describedby": "push-hint" });
  const toggle = h("button", { class: "button primary", type: "button" });
  const state = h("p", { id: "push-state", role: "status" });
  const close = h("button", { class: "button", type: "button" }, "Close");
  const hint = h("p", { class: "hint", id: "push-hint" }, "Questions come at any time; all else is quiet in these hours.");
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "push-title" }, h("h2", { id: "push-title" }, "Notifications"), state, h("label", { for: "push-quiet" }, "Quiet hours"), quiet, hint, h("p", { class: "row-of-buttons" }, toggle, close));

  async function look() {
    const worker = await navigator.serviceWorker?.ready;
    const on = Boolean(localStorage.getItem(WANTED) && (await worker?.pushManager?.getSubscription()));
    const can = worker?.pushManager !== undefined && globalThis.Notification !== undefined;
    const denied = can && Notification.permission === "denied";
    toggle.disabled = !can || denied;
    toggle.textContent = on ? "Turn off in this browser" : "Turn on in this browser";
    toggle.onclick = () => attempt(toggle, async () => {
      await (on ? unsubscribe(worker) : turnOn(worker));
      await look();
    });
    state.textContent = !can ? "This browser takes none. On an iPhone, add this page to the home screen first." : denied ? "This browser was told to show none of this page. Its settings change that." : on ? "They come here, also while this page is closed." : "Questions and what sessions say can come here while this page is closed.";
    return { on, worker };
  }

  async function turnOn(worker) {
    if ((await Notification.requestPermission()) !== "granted") return toast("The browser shows no notifications of this page.");
    return subscribe(worker);
  }

  quiet.value = localStorage.getItem(QUIET) ?? "";
  quiet.addEventListener("change", () => attempt(toggle, async () => {
    localStorage.setItem(QUIET, quiet.value.trim());
    const { on, worker } = await look();
    if (on) await subscribe(worker);
  }));
  close.addEventListener("click", () => dialog.close());
  addEventListener(SET_NOTIFICATIONS, () => {
    dialog.showModal();
    look();
  });
  return dialog;
}

// --- what is looked at, and kept ---

function watch(worker) {
  let told = "";
  async function look() {
    const session = openSession();
    if (session || told) await post("push-look", session ? { session } : {}).catch(() => {});
    told = session;
    if (!session) return;
    // It is before their eyes: what told of it has nothing to say any more.
    for (const notification of await worker.getNotifications()) if (notification.data?.session === session) notification.close();
  }
  const again = () => look().catch(() => {});
  for (const name of ["visibilitychange", "focus", "blur", "hashchange"]) (name === "visibilitychange" ? document : window).addEventListener(name, again);
  setInterval(again, LOOK_MS);
  again();
  const keep = () => document.hidden || keepState().catch(() => {});
  setInterval(keep, KEEP_MS);
  addEventListener("hashchange", keep);
  keep();
}

/** For the offline page: the sessions, and the conversations that were open last. */
async function keepState() {
  const { sessions } = await get("overview");
  const before = (await kept.get("state"))?.chats ?? [];
  const session = openSession();
  const items = session ? (await get("chat", { session })).items : null;
  const chats = items ? [{ session, items: items.slice(-50) }, ...before.filter((one) => one.session !== session)] : before;
  await kept.put("state", { at: Date.now(), sessions, chats: chats.slice(0, CHATS_KEPT) });
  const open = sessions.filter((one) => one.state === "waiting" && one.connected).length;
  await (open > 0 ? navigator.setAppBadge?.(open) : navigator.clearAppBadge?.());
}

document.getElementById("push").append(settings());
if (navigator.serviceWorker && globalThis.indexedDB) begin().catch(() => {});
