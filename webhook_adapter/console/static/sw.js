// The service worker: pushes, what is shown without a line, and the queue of what was written without one. The console
// puts SHELL, the version and files of the offline page, and offline-store.js before it.

const CACHE = `pointsman-${SHELL.version}`;
const OFFLINE = "/console/static/offline.html";
const SHARE = "/console/static/share.html";
const ICON = "/console/static/icon-192.png";
const REMEMBERED_MS = 90 * 3600 * 1000; // the router knows keys for 96 hours
const SHOWN = 200; // pushes that are known to have come
const MOST_SHARED = 20 * 1024 * 1024; // bytes

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("push", (event) => event.waitUntil(pushed(event.data?.json())));
self.addEventListener("notificationclick", (event) => event.waitUntil(clicked(event)));
self.addEventListener("sync", (event) => event.waitUntil(flush()));
self.addEventListener("message", (event) => event.waitUntil(event.data === "flush" ? flush() : undefined));
self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (origin !== location.origin) return;
  const answer = handlerOf(event.request, pathname);
  if (answer) event.respondWith(answer(event.request));
});

function handlerOf(request, path) {
  if (request.method === "POST") return { "/console/share": share, "/console/api/send": write, "/console/api/logout": leave }[path];
  if (request.method !== "GET") return undefined;
  if (request.mode === "navigate") return path === "/console/" ? orOffline : path === SHARE ? orKept : undefined;
  return SHELL.files.includes(path) ? orKept : undefined;
}

async function install() {
  const cache = await caches.open(CACHE);
  await cache.addAll(SHELL.files.map((path) => new Request(path, { cache: "reload" })));
  await self.skipWaiting();
}

async function activate() {
  for (const name of await caches.keys()) if (name.startsWith("pointsman-") && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
}

// --- without a line ---

const orOffline = (request) => fetch(request).catch(() => caches.match(OFFLINE));
const orKept = (request) => fetch(request).catch(async () => (await caches.match(request, { ignoreSearch: true })) ?? Response.error());

let line = Promise.resolve();

/** One after the other: what was written first is handed in first. */
function inLine(work) {
  line = line.then(work, work);
  return line;
}

const flush = () => inLine(() => handIn(null));

/** What somebody sends is on this browser's disk before it leaves, and leaves behind all that was written before. */
async function write(request) {
  try {
    const login = await here();
    // A page that has not said whose it is yet: its text must not be taken for somebody else's.
    if (login.csrf !== request.headers.get("X-CSRF-Token")) return fetch(request);
    const body = await request.clone().json();
    await kept.enqueue({ key: body.key, path: "send", body, who: login.person, at: Date.now(), tried: 0, refused: "" });
    await changed();
  } catch {
    return fetch(request); // without a disk it goes at once or not at all
  }
  const { key } = await request.json();
  const answer = await inLine(() => handIn(key));
  return answer ?? Response.error();
}

/** Who is logged in, and the token of their page: one fact, so that nothing of one goes out with that of another. */
const here = async () => (await kept.get("login")) ?? { csrf: "", person: "" };

/** Hands the queue in, in order, up to what cannot go now. Gives the answer to the item with this key, if it got one. */
async function handIn(key) {
  const login = await here();
  let own = null;
  for (const item of await kept.queue()) {
    if (item.who !== login.person || (item.refused && item.key !== key)) continue;
    if (item.tried && Date.now() - item.tried > REMEMBERED_MS) {
      await kept.change({ ...item, refused: "It may have been sent already, days ago. Look at the conversation." });
      continue;
    }
    await kept.change({ ...item, tried: item.tried || Date.now() });
    const answer = await post(item.path, item.body, login).catch(() => null);
    if (item.key === key) own = answer?.clone() ?? null;
    if (!(await settled(item, answer))) break;
  }
  await changed();
  return own;
}

/** Whether it need not be handed in again. */
async function settled(item, answer) {
  if (answer === null || answer.status === 429 || answer.status === 408 || answer.status >= 500) {
    await self.registration.sync?.register("queue").catch(() => {});
    return false;
  }
  // Logged out, or the page is older than the login: it waits for whoever logs in next, if that is the same person.
  if (answer.status === 401 || answer.status === 403) return false;
  if (answer.ok) await kept.discard(item.number);
  else await kept.change({ ...item, refused: (await answer.json().catch(() => ({}))).error ?? `The console answered ${answer.status}.` });
  return true;
}

async function post(path, body, { csrf }) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  return fetch(`/console/api/${path}`, { method: "POST", headers, body: JSON.stringify(body), cache: "no-store", signal: AbortSignal.timeout(15_000) });
}

/** Pages that show the queue look at it again. */
async function changed() {
  for (const client of await self.clients.matchAll({ includeUncontrolled: true })) client.postMessage("queue");
}

/** What waits goes first; then nothing is left here of whoever leaves. */
async function leave(request) {
  await flush();
  const answer = await fetch(request);
  if (answer.ok) {
    const subscription = await self.registration.pushManager?.getSubscription();
    await subscription?.unsubscribe();
    await kept.wipe();
    for (const notification of await self.registration.getNotifications()) notification.close();
    await navigator.clearAppBadge?.();
  }
  return answer;
}

/** What another app shares is kept until a session is chosen for it. */
async function share(request) {
  const form = await request.formData();
  const files = form.getAll("files").filter((file) => file instanceof File && file.size > 0);
  const words = ["title", "text", "url"].map((name) => String(form.get(name) ?? "").trim());
  const size = files.reduce((sum, file) => sum + file.size, 0);
  await kept.put("shared", { text: [...new Set(words.filter(Boolean))].join("\n"), files: size <= MOST_SHARED ? files : [], tooLarge: size > MOST_SHARED, at: Date.now() });
  return Response.redirect(SHARE, 303);
}

// --- pushes ---

const shownNow = async (id) => (await self.registration.getNotifications()).find((one) => one.data?.id === id);

async function pushed(told) {
  if (!told) return;
  const before = await shownNow(told.id);
  const known = (await kept.get("shown")) ?? [];
  const again = known.includes(told.id); // its receipt was lost
  if (again && !before && !told.change) return;
  const over = told.kind === "question" && told.silent; // it may have come before, and be on the screen
  if (again || told.change || over) return change({ ...told, silent: true }, before);
  await kept.put("shown", [...known, told.id].slice(-SHOWN));
  await show(told);
  await count();
}

/** What is on the screen says what became of it, without a sound. */
async function change(told, before) {
  await show({ ...before?.data, ...told, body: told.body ?? before?.body ?? "" });
  // A browser may end the subscription of who shows nothing for a push: shown, and taken off at once.
  if (!before && told.kind === "question") (await shownNow(told.id))?.close();
  await count();
}

async function show(told) {
  const asks = told.kind === "question";
  const tag = told.over ? "log in" : asks ? `question:${told.id}` : `session:${told.session || told.id}`;
  const silent = Boolean(told.silent);
  const actions = choices(told.options ?? []).map(([label, data]) => ({ action: data, title: label }));
  const options = { body: told.body ?? "", tag, silent, renotify: !silent, icon: ICON, badge: ICON, actions, data: told, requireInteraction: asks && actions.length > 0 };
  await self.registration.showNotification(told.title || "Pointsman", options);
}

/** Of many choices those for which there is room: yes and no first. */
function choices(options) {
  const room = Notification.maxActions ?? 0;
  const offered = options.filter(([, data]) => !data.endsWith(":reason"));
  if (offered.length <= room) return offered;
  const first = (word) => offered.find(([, data]) => data.split(":")[2]?.startsWith(word));
  const both = [first("allow"), first("deny")].filter(Boolean);
  return (both.length === 2 ? both : offered).slice(0, room);
}

async function count() {
  const open = (await self.registration.getNotifications()).filter((one) => one.data?.kind === "question" && one.actions.length > 0);
  await (open.length > 0 ? navigator.setAppBadge?.(open.length) : navigator.clearAppBadge?.());
}

async function clicked(event) {
  const { notification, action } = event;
  const told = notification.data ?? {};
  notification.close();
  if (!action) return openPage(told);
  await count();
  const body = { key: `${told.id}-${told.options.findIndex(([, data]) => data === action)}`, chat: told.chat, message_id: told.id, data: action };
  const answer = await post("push-answer", body, await here()).catch(() => null);
  if (answer === null) return show({ ...told, options: [], silent: true, body: "No line: this is not answered. Open the console once you are back." });
  const said = await answer.json().catch(() => ({}));
  // A second factor is given at the page, and so is a login.
  if (!answer.ok || said.needs_second_factor) return openPage(told);
  return show({ ...told, options: [], silent: true, body: said.answer });
}

async function openPage({ session }) {
  const address = session ? `/console/#/session/${encodeURIComponent(session)}` : "/console/";
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((one) => new URL(one.url).pathname === "/console/");
  if (!page) return self.clients.openWindow(address);
  await page.focus().catch(() => {}); // a browser lets it be for a moment after the press alone
  return page.navigate(address);
}
