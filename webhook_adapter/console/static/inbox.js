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
  const all = h("button", { class: "button small ghost", type: "button", onclick: () => choose(plain()) }, "Choose all that take a yes or no");
  const machine = which("Machine", 2);
  const rule = which("What is risky", 1);
  const choosing = h("div", { class: "inbox-which", role: "group", "aria-label": "Which of them" }, machine.node, rule.node, h("p", { class: "inbox-all" }, all));
  const node = page("Inbox", "Questions that wait for an answer", choosing, bar, empty, rows);
  let questions = [];
  let overview = null;

  allow.addEventListener("click", () => attempt(allow, () => answerAll("allow")));
  deny.addEventListener("click", () => attempt(deny, () => answerAll("deny")));
  choosing.addEventListener("chosen", show);

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
    machine.offer(questions.filter(isPlain).map((item) => item.machine_id));
    rule.offer(questions.filter(isPlain).flatMap((item) => item.risks ?? []));
    choosing.hidden = questions.filter(isPlain).length < 2;
    text(all, machine.value() || rule.value() ? `Choose these ${plain().length}` : "Choose all that take a yes or no");
    bar.hidden = chosen.size === 0;
    text(sums, `${count(chosen.size, "question")} chosen`);
    list(rows, questions.map((item) => ({ ...item, session: overview?.sessions.find((one) => one.session_id === item.session_id), isChosen: chosen.has(questionKey(item)), toggle })), questionKey, inboxRow);
  }

  /** What takes a yes or no, of the machine and rule that are chosen. */
  function plain() {
    const fits = (item) => [item.machine_id, ""].includes(machine.value()) && (rule.value() === "" || item.risks?.includes(rule.value()));
    return questions.filter((item) => isPlain(item) && fits(item));
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

/** A choice of one of some values, or all; there only where there are at least so many. */
function which(label, least) {
  const select = h("select", { disabled: true, "aria-label": label });
  const node = h("label", { hidden: true }, label, select);
  let known = "";
  select.addEventListener("change", () => node.dispatchEvent(new Event("chosen", { bubbles: true })));
  function offer(values) {
    const there = [...new Set(values.filter(Boolean))].sort();
    if (there.join() === known) return;
    known = there.join();
    const was = select.value;
    select.replaceChildren(...["", ...there].map((value) => h("option", { value, selected: value === was }, value || "All")));
    select.disabled = node.hidden = there.length < least;
    if (node.hidden) select.value = "";
  }
  return { node, offer, value: () => select.value };
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
