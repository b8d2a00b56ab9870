// Workspaces: clones on machines that last beyond the sessions in them, and what becomes of them. Only shown.

import { get } from "./api.js";
import { clear, h, list, text } from "./dom.js";
import { page } from "./pages.js";
import { clock, day, hover } from "./words.js";

const STATES = {
  asked: "asked for", preparing: "being made", ready: "ready", in_use: "in use", waiting: "waits for you",
  closing: "closing: 7 days of grace", archived: "archived", failed: "failed",
};

export function workspacesView() {
  const told = h("p", { class: "nothing", role: "status" }, "Looking…");
  const rows = h("ol", { class: "cards workspaces", role: "list" });
  const node = page("Workspaces", "Clones that sessions work in, and what is in them", told, rows);

  async function load() {
    const { workspaces } = await get("workspaces");
    told.hidden = workspaces.length > 0;
    text(told, "There is none yet. In a shell: pointsman start --workspace REPO@BRANCH TEXT");
    clear(rows);
    list(rows, workspaces, (one) => one.key, row);
  }

  return { node, title: () => "Workspaces", load, update() {}, focus() {} };
}

function row(one) {
  const work = [one.unpushed && `${one.unpushed} unpushed`, one.dirty && one.head && "changed"].filter(Boolean).join(", ");
  const why = one.detail || one.decision;
  const node = h("li", { class: "card" },
    h("div", { class: "meta" }, h("span", { class: "strong" }, one.key), h("time", { class: "quiet", title: hover(one.changed_at) }, `${day(one.changed_at)}, ${clock(one.changed_at)}`)),
    h("p", {}, `${STATES[one.state] ?? one.state} on ${one.machine_id}${work ? ` · ${work}` : ""}`),
    why && h("p", { class: "quiet" }, why),
    one.session_id && h("div", { class: "actions" }, h("a", { class: "button small", href: `#/session/${encodeURIComponent(one.session_id)}` }, "Conversation")));
  return { node, update() {} };
}
