// The rules that allow by themselves for a time, each with a way to end it.

import { get, newKey, post } from "./api.js";
import { h, list, text } from "./dom.js";
import { announce, attempt } from "./notices.js";
import { page } from "./pages.js";
import { clock, count, day, hover } from "./words.js";

export function rulesView() {
  const told = h("p", { class: "nothing", role: "status" }, "Looking…");
  const rows = h("ol", { class: "cards rules", role: "list" });
  const node = page("Rules", "What is allowed by itself, for a time", told, rows);
  let rules = [];

  async function load() {
    ({ rules } = await get("rules"));
    show();
  }

  function show() {
    told.hidden = rules.length > 0;
    text(told, "No rule answers by itself. “Allow for…” under a question makes one.");
    list(rows, rules, (rule) => rule.rule_id, (rule) => ruleRow(rule, ended));
  }

  function ended(rule) {
    announce("The rule is over.");
    rules = rules.filter((one) => one !== rule);
    show();
    document.getElementById("main").focus(); // what was pressed is gone
  }
  return { node, title: () => "Rules", load, update() {}, focus() {} };
}

function ruleRow(rule, ended) {
  const end = h("button", { class: "button small", type: "button", "aria-label": `End it: ${rule.tool}: ${rule.pattern}` }, "End it");
  const key = newKey();
  end.addEventListener("click", () => attempt(end, async () => {
    await post("end-rule", { rule_id: rule.rule_id, key });
    ended(rule);
  }));
  const where = rule.folder ? `in ${rule.folder} on ${rule.machine_id}` : `in this session on ${rule.machine_id}`;
  const uses = h("p", { class: "quiet" });
  const node = h("li", { class: "card" },
    h("div", { class: "meta" }, h("span", { class: "strong" }, rule.tool), h("time", { class: "quiet", title: hover(rule.expires_at) }, `until ${day(rule.expires_at)}, ${clock(rule.expires_at)}`)),
    h("p", { class: "mono pattern" }, rule.match === "prefix" ? `${rule.pattern} …` : rule.pattern),
    h("p", { class: "quiet" }, h("a", { href: `#/session/${encodeURIComponent(rule.session_id)}` }, rule.folder ? "Made in a session" : "The session"), `, ${where}, by ${rule.made_by}`), uses,
    h("div", { class: "actions" }, end));
  const update = ({ answers }) => text(uses, `It has answered ${count(answers, "time")}.`);
  return { node, update };
}
