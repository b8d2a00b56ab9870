// One session: who and where, the conversation, the questions that wait for an answer, the composer.

import { get } from "./api.js";
import { composer } from "./composer.js";
import { h, icon, list } from "./dom.js";
import { chatHead } from "./head.js";
import { messageKey, messageRow } from "./messages.js";
import { attempt } from "./notices.js";
import { confirmed, pendingBeside } from "./outgoing.js";
import { questionKey, questionRow } from "./question.js";
import { day, sessionName } from "./words.js";
import { windowed } from "./windowed.js";

const NEAR_END = 90; // pixels
const NEAR_BEGINNING = 900;
const PAGE = 200; // events
const RESTS_MS = 3000; // a session that rests for so long is not writing
const FAR = 1000; // events at once on the way to one that is wanted

/** `wanted`: the number of an event to show at first. */
export function chatView(conversation, wanted = 0) {
  const { sessionId } = conversation;
  const head = chatHead(sessionId, () => conversation);
  const older = h("button", { class: "button small older", type: "button", hidden: true, onclick: () => earlier() }, "Earlier");
  const asked = h("ol", { class: "asked", role: "list", "aria-label": "Waits for your answer" });
  const empty = h("div", { class: "empty" });
  const scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Conversation" });
  const rows = windowed(scroller, messageKey, messageRow);
  scroller.append(older, empty, rows.node);
  const jump = h("button", { class: "button jump", type: "button", hidden: true }, icon("down"), "New messages");
  const field = composer(sessionId, () => render());
  const node = h("div", { class: "view chat" }, head.node, scroller, h("div", { class: "foot" }, jump, asked, field.node));
  let depth = 50; // words, as the console counts them
  let overview = null;
  let questions = [];
  let newest = "";
  let pinned = wanted === 0;
  let loading = null;
  let planned = 0;

  jump.addEventListener("click", () => scrollDown());
  scroller.addEventListener("scroll", () => {
    pinned = atEnd();
    if (pinned) jump.hidden = true;
    if (scroller.scrollTop < NEAR_BEGINNING && !older.hidden && !pinned) earlier();
  });
  // A phone's keyboard, a growing field, code that gets its colours: the last words stay in sight.
  const watcher = new ResizeObserver(() => pinned && scrollDown());
  watcher.observe(scroller);
  watcher.observe(rows.node);
  const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
  const scrollDown = () => (scroller.scrollTop = scroller.scrollHeight);

  /** A page further back; what one reads stays where it is. */
  function earlier(count = PAGE) {
    loading ??= attempt(older, async () => {
      if (conversation.hasEarlier) conversation.add((await get("events", { session: sessionId, before: conversation.first, count })).events);
      else depth *= 2;
      if (conversation.more && needsDeeper()) conversation.take(await get("chat", { session: sessionId, depth: (depth *= 2) }), { isFar: true });
      const below = scroller.scrollHeight - scroller.scrollTop;
      pinned = false;
      render();
      scroller.scrollTop = scroller.scrollHeight - below;
    }).finally(() => (loading = null));
    return loading;
  }

  /** Whether there are events from before the oldest message that is here. */
  function needsDeeper() {
    const oldest = conversation.items.find((item) => item.kind !== "said" || item.buttons.length === 0);
    const first = conversation.events.find((event) => event.at)?.at;
    return !conversation.hasEarlier || !oldest || first === undefined || first < oldest.created_at;
  }

  /** Shows an event, however far back it is. */
  async function reveal(seq) {
    while (conversation.first > seq && conversation.hasEarlier) if (!(await earlier(FAR))) return;
    pinned = false;
    render();
    const found = rows.reveal(`e${conversation.events.find((event) => event.seq >= seq)?.seq}`);
    found?.scrollIntoView({ block: "center" });
    found?.classList.add("found");
  }

  /** What came is shown with the next frame, however much of it there is. */
  function render() {
    if (planned) cancelAnimationFrame(planned);
    planned = 0;
    const session = here();
    if (!session) return unknown();
    const machine = overview.machines.find((one) => one.machine_id === session.machine_id);
    const away = machine ? !machine.connected : !session.connected;
    const open = openQuestions(session);
    head.update(session, away, machine);
    field.node.hidden = false;
    field.update(session, away, overview.machines, open, conversation.about.commands);
    if (!conversation.isLoaded) return;
    confirmed(sessionId, new Set(conversation.commands.map((item) => item.command_id)));
    const shown = conversationRows(session, open);
    older.hidden = !(conversation.hasEarlier || conversation.more);
    empty.hidden = shown.length + open.length > 0;
    if (!empty.hidden) empty.replaceChildren(...nothingSaid(session));
    const stay = pinned;
    rows.update(shown);
    list(asked, open.map((item) => ({ ...item, name: sessionName(session) })), questionKey, questionRow);
    asked.hidden = open.length === 0;
    const last = shown.length > 0 ? messageKey(shown.at(-1)) : "";
    if (stay) scrollDown();
    else if (newest && last !== newest) jump.hidden = false;
    newest = last;
    if (wanted) reveal(wanted);
    wanted = 0;
  }

  function openQuestions(session) {
    if (session.state === "ended") return [];
    return questions.filter((item) => item.session_id === sessionId);
  }

  function conversationRows(session, open) {
    const known = conversation.rows(new Set(open.map((item) => item.notification_id)));
    // A turn that was cut leaves words that never become an answer.
    const isCut = known.at(-1)?.kind === "saying" && (session.state === "ended" || (session.state === "idle" && Date.now() - conversation.heard.at > RESTS_MS));
    return withDays(isCut ? known.slice(0, -1) : known, session);
  }

  /** Rows with a mark at each new day, and at a gap, and what each needs besides itself. */
  function withDays(items, session) {
    const machines = new Map(overview.machines.map((machine) => [machine.machine_id, machine]));
    const commands = items.filter((item) => item.kind === "command");
    const repeatedIds = new Set(conversation.commands.map((item) => item.redrive_of).filter(Boolean));
    const [latest, entry] = commands.slice(-2).reverse();
    const shared = { sessionId, who: sessionName(session), over: session.state === "ended", tells: !["unknown", "ended"].includes(session.state), overview: () => overview, machines, repeatedIds };
    const shown = [];
    let today = "";
    for (const item of items) {
      if (item.kind === "command" && item.created_at === conversation.gapAt) shown.push({ kind: "gap", key: "gap", created_at: item.created_at, earlier });
      const its = item.created_at ? day(item.created_at) : today;
      if (its !== today) shown.push({ kind: "day", created_at: item.created_at });
      today = its;
      shown.push(Object.assign(item.seq ? item : { ...item }, shared, item.kind === "command" ? { machine: machines.get(item.machine_id), newest: item === latest, entry: item === entry, repeated: repeatedIds.has(item.command_id) } : {}));
    }
    return [...shown, ...pendingBeside(sessionId, conversation.commands)];
  }

  function unknown() {
    field.node.hidden = true;
    if (!conversation.isLoaded || overview === null) return; // what was just started is not in an overview from before
    empty.hidden = false;
    empty.replaceChildren(h("h2", {}, "There is no such session"), h("p", {}, "It may have been removed. ", h("a", { href: "#/" }, "See what is running.")));
  }

  function update(next, open) {
    overview = next;
    questions = open;
    planned ||= requestAnimationFrame(render);
    if (document.hidden) render(); // no frames there
  }

  const here = () => overview?.sessions.find((one) => one.session_id === sessionId);
  const title = () => (here() ? sessionName(here()) : "");

  function close() {
    watcher.disconnect();
    head.close();
  }
  return { node, sessionId, title, update, close, reveal, head, load: async () => {}, focus: () => field.focus(), field };
}

function nothingSaid(session) {
  if (session.state === "ended") return [h("h2", {}, "Nothing was said here")];
  return [
    h("h2", {}, "Nothing said yet"),
    h("p", {}, `What you write below is typed into ${sessionName(session)}. What it has to say appears here.`),
  ];
}
