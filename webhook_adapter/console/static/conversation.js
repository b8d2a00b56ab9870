// One conversation as the page knows it: what the session does, what was sent to it and how far that got, what people were
// told. It makes rows of that, each thing once. No elements here.

const SLACK = 60; // seconds that a machine's clock may be behind the router's
const LONG = 24 * 3600; // so long may a text wait
const TWIN = 300; // seconds between words and the message that repeats them
const PLANNERS = ["TodoWrite", "TaskCreate", "TaskUpdate"]; // tools whose use is the plan that comes with it

export class Conversation {
  constructor(sessionId) {
    this.sessionId = sessionId;
    this.chatDigest = "";
    this.clear();
    this.near = null;
    this.far = new Map();
    this.more = false;
    this.gapAt = null;
  }

  /** The numbers began anew. */
  clear() {
    this.events = [];
    this.heard = null;
    this.known = new Set();
    this.about = {};
    this.usage = null;
  }

  get last() {
    return this.events.at(-1)?.seq ?? 0;
  }

  get first() {
    return this.events[0]?.seq ?? 0;
  }

  get isLoaded() {
    return this.near !== null;
  }

  get hasEarlier() {
    const first = this.events[0];
    return this.first > 1 && !(first.kind === "gap" && first.content.firstSeq <= 1);
  }

  /** Takes events, new or from before, in any order; one that is known is passed over. */
  add(events) {
    const fresh = events.filter((event) => !this.known.has(event.seq));
    for (const event of fresh) {
      this.known.add(event.seq);
      this.#describe(event, event.seq > this.last);
    }
    // What was heard of an answer is over once it is there, or what comes behind it.
    if (fresh.some((event) => event.seq > this.last && !["metadata", "usage", "status"].includes(event.kind))) this.heard = null;
    const inOrder = fresh.length > 0 && fresh[0].seq > this.last;
    this.events.push(...fresh);
    if (!inOrder) this.events.sort((one, other) => one.seq - other.seq);
  }

  #describe({ kind, content }, isNewest) {
    if (kind === "metadata") this.about = isNewest ? { ...this.about, ...content } : { ...content, ...this.about };
    if (kind === "usage" && isNewest) {
      this.usage = { ...this.usage, ...content }; // what is not said is as it was
      if (content.model) this.about = { ...this.about, model: content.model };
    }
  }

  /** What the session is saying: the end of it, behind so many characters. */
  hear({ answer_id: id, before, text }) {
    const { start, letters } = this.heard?.id === id ? this.heard : { start: before, letters: [] };
    const meets = start <= before && before <= start + letters.length;
    this.heard = { id, at: Date.now(), start: meets ? start : before, letters: [...(meets ? letters.slice(0, before - start) : []), ...text] };
  }

  /** What the router's conversation holds: the newest of it, or as far back as somebody looks. */
  take(chat, { isFar = false } = {}) {
    const items = new Map(chat.items.map((item) => [idOf(item), item]));
    if (isFar) {
      this.far = items;
      this.more = chat.more;
      this.gapAt = chat.gap_at;
    } else {
      this.near = items;
      if (this.far.size === 0) {
        this.more = chat.more;
        this.gapAt = chat.gap_at;
      }
    }
  }

  /** Everything but the events, oldest first. */
  get items() {
    const all = new Map([...this.far, ...(this.near ?? [])]);
    return [...all.values()].sort((one, other) => one.created_at - other.created_at);
  }

  get commands() {
    return this.items.filter((item) => item.kind === "command");
  }

  /** What it is saying, as far as it is known; nothing where that is there whole by now. */
  #typed(last) {
    if (this.heard === null) return "";
    const words = this.heard.letters.join("");
    if (last && plain(last.text).endsWith(plain(words))) return "";
    return `${this.heard.start > 0 ? "…" : ""}${words}`;
  }

  /** Rows in order. `open`: ids of messages that are pinned elsewhere. */
  rows(open) {
    const { rows, users, assistants } = rowsOfEvents(this.events);
    const beside = [];
    // What is older than the oldest event comes with the events of its time.
    const since = this.hasEarlier ? (this.events.find((event) => event.at)?.at ?? 0) : 0;
    const commands = this.items.filter((item) => item.kind === "command");
    join(commands, users);
    for (const item of this.items) {
      if (item.kind === "command") {
        if (!item.joined) beside.push(item);
      } else if (!open.has(item.notification_id)) {
        const left = this.events.length > 0 ? repeated(item, assistants) : item;
        if (left) beside.push(left);
      }
    }
    const all = merged(rows, beside.filter((item) => item.created_at >= since));
    const typed = this.#typed(assistants.at(-1));
    return typed === "" ? all : [...all, { kind: "saying", key: "heard", created_at: this.heard.at / 1000, text: typed }];
  }
}

export const idOf = (item) => item.command_id || item.notification_id;

const plain = (text) => text.replace(/\s+/g, " ").trim();

/** Rows of what a session did; a tool is one row, where it began. */
function rowsOfEvents(events) {
  const rows = [];
  const tools = new Map();
  const users = [];
  const assistants = [];
  let at = 0;
  let plan = null;
  for (const event of events) {
    at = event.at ?? at;
    const base = { key: `e${event.seq}`, seq: event.seq, created_at: at };
    const { kind, content } = event;
    if (kind === "said") {
      const row = { ...base, kind: "words", by: (content.by ?? "SYSTEM").toLowerCase(), text: content.text ?? "", isError: Boolean(content.isError), commands: [] };
      if (row.by === "user") users.push(row);
      if (row.by === "assistant") assistants.push(row);
      rows.push(row);
    } else if (kind === "tool") {
      const known = tools.get(content.id);
      const row = known ?? { ...base, kind: "tool", name: "", title: "", input: "", output: "", diff: "", state: "PENDING", ...filled(content), toolKind: content.kind ?? "OTHER" };
      if (known) Object.assign(known, filled(content), { ended_at: at });
      else tools.set(content.id, row);
      const isShown = !PLANNERS.includes(row.name) || row.state === "FAILED";
      if (isShown && !row.isShown) rows.push(row);
      row.isShown = isShown;
    } else if (kind === "plan") {
      if (plan) plan.isOld = true;
      plan = { ...base, kind: "plan", entries: content.entries ?? [], isOld: false };
      rows.push(plan);
    } else if (kind === "gap") {
      rows.push({ ...base, kind: "missing", why: content.why ?? "Something is missing here" });
    }
  }
  return { rows, users, assistants };
}

/** What a later event of a tool says anew; its kind is told with the first alone. */
function filled({ id, kind, ...content }) {
  return Object.fromEntries(Object.entries(content).filter(([, value]) => value !== ""));
}

/** Gives what was sent from afar to the words that it became: the first of the same text that came after it. */
function join(commands, users) {
  for (const row of users) row.commands = [];
  let from = 0;
  for (const command of commands) {
    command.joined = false;
    const text = plain(command.text ?? "");
    if (text === "" || command.key) continue;
    while (from < users.length && users[from].created_at < command.created_at - SLACK) from += 1;
    for (let index = from; index < users.length && users[index].created_at < command.created_at + LONG; index += 1) {
      const row = users[index];
      const said = plain(row.text);
      // Several that were sent while it was busy may be said as one; of a file, its path on the machine is typed.
      const fits = command.brings === "file" ? row.commands.length === 0 && said.endsWith(`/${text}`) : said === text ? row.commands.length === 0 : row.commands.length < 8 && `\n${row.text}\n`.includes(`\n${command.text.trim()}\n`);
      if (!fits) continue;
      row.commands.push(command);
      command.joined = true;
      break;
    }
  }
}

/** A message whose words the session said: only what it adds is left, "Finished"; null where that is nothing. */
function repeated(item, assistants) {
  if (item.is_question || item.files.length > 0 || ["refused", "dead"].includes(item.state)) return item;
  const all = plain(item.text);
  if (item.buttons.length === 0 && assistants.some((row) => isNear(row, item) && plain(row.text) === all)) return null;
  const [, headline, body] = /^([^\n]*)(?:\n\n([^]*))?$/.exec(item.text) ?? [null, item.text, ""];
  if (!body) return headline.length < 120 && item.buttons.length === 0 ? { ...item, kind: "mark", text: headline } : item;
  const words = plain(body).replace(/^…/, "");
  const near = (row) => isNear(row, item) && plain(row.text).endsWith(words);
  return assistants.some(near) && item.buttons.length === 0 ? { ...item, kind: "mark", text: headline } : item;
}

const isNear = (row, item) => Math.abs(row.created_at - item.created_at) < TWIN;

/** Events stay in their order; the rest is put between them by time. */
function merged(rows, beside) {
  const all = [];
  let next = 0;
  for (const row of rows) {
    while (next < beside.length && beside[next].created_at < row.created_at) all.push(beside[next++]);
    all.push(row);
  }
  return [...all, ...beside.slice(next)];
}
