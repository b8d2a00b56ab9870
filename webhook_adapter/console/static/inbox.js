// All open questions of all sessions: answered one by one, or several with one press, each of them for itself.

import { attribute, h, list, text } from "./dom.js";
import { attempt, toast } from "./notices.js";
import { page } from "./pages.js";
import { answerOne, canAnswer, questionKey, questionRow } from "./question.js";
import { count, fullName } from "./words.js";

export function inboxView() {
  const chosen = new Map();
  const rows = h("ol", { class: "cards inbox", role: "list" });
  const empty = h("p", { class: "nothing" }, "Nobody asks anything now. Questions of all your sessions come here.");
  const sums = h("span", {});
  const allow = h("button", { class: "button small primary", type: "button" }, "Allow these");
  const deny = h("button", { class: "button small", type: "button" }, "Deny these");
  const none = h("button", { class: "button small ghost", type: "button", onclick: () => choose([]) }, "Choose none");
  const bar = h("div", { class: "bulk", role: "group", "aria-label": "Chosen questions", hidden: true }, sums, allow, deny, none);
  const all = h("button", { class: "button small ghost", type: "button", onclick: () => choose(questions.filter(isPlain)) }, "Choose all that take a yes or no");
  const node = page("Inbox", "Questions that wait for an answer", h("p", { class: "inbox-all" }, all), bar, empty, rows);
  let questions = [];
  let overview = null;

  allow.addEventListener("click", () => attempt(allow, () => answerAll("allow")));
  deny.addEventListener("click", () => attempt(deny, () => answerAll("deny")));

  function choose(items) {
    chosen.clear();
    for (const item of items) chosen.set(questionKey(item), item);
    show();
  }

  /** One after the other: what one of them needs is told, and stops none of the rest. */
  async function answerAll(verdict) {
    const refused = [];
    let done = 0;
    for (const [key, item] of [...chosen]) {
      try {
        await answerOne(item, verdict);
        done += 1;
        chosen.delete(key);
      } catch (failure) {
        refused.push(failure.message);
      }
    }
    toast([`${count(done, "question")} ${verdict === "allow" ? "allowed" : "denied"}.`, ...new Set(refused)].join(" "), { bad: refused.length > 0 });
    show();
  }

  function show() {
    const known = new Set(questions.map(questionKey));
    for (const key of chosen.keys()) if (!known.has(key)) chosen.delete(key);
    empty.hidden = questions.length > 0;
    all.parentNode.hidden = questions.filter(isPlain).length < 2;
    bar.hidden = chosen.size === 0;
    text(sums, `${count(chosen.size, "question")} chosen`);
    list(rows, questions.map((item) => ({ ...item, session: overview?.sessions.find((one) => one.session_id === item.session_id), isChosen: chosen.has(questionKey(item)), toggle })), questionKey, inboxRow);
  }

  function toggle(item, on) {
    if (on) chosen.set(questionKey(item), item);
    else chosen.delete(questionKey(item));
    show();
  }

  function update(next, open) {
    overview = next;
    questions = open;
    show();
  }
  return { node, title: () => "Inbox", load: async () => {}, update, focus() {} };
}

const isPlain = (item) => item.kind !== "question" && canAnswer(item, "allow") && canAnswer(item, "deny");

function inboxRow(item) {
  const row = questionRow(item);
  const box = h("input", { type: "checkbox", class: "choose" });
  const to = h("a", { class: "strong" });
  const where = h("span", { class: "quiet" });
  const head = h("div", { class: "meta" }, isPlain(item) ? h("label", { class: "choose-label" }, box, h("span", { class: "unseen" }, "Choose it")) : null, to, where);
  const node = h("li", { class: "card" }, head, h("ol", { role: "list" }, row.node));
  let current = item;
  box.addEventListener("change", () => current.toggle(current, box.checked));
  function update(next) {
    current = next;
    const { session, isChosen } = next;
    box.checked = isChosen;
    attribute(node, "data-chosen", isChosen);
    text(to, session ? fullName(session) : next.session_id);
    attribute(to, "href", `#/session/${encodeURIComponent(next.session_id)}`);
    text(where, session ? [session.machine_id, session.cwd].filter(Boolean).join(" · ") : "");
    row.update({ ...next, name: next.tool && next.kind === "tool" ? next.tool : { plan: "A plan", question: "A question" }[next.kind] ?? "A question" });
  }
  return { node, update };
}
