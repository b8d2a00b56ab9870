// Workspaces: clones on machines that last beyond the sessions in them, closed and kept, and what becomes of them.

import { get, post, newKey, wishes } from "./api.js";
import { clear, h, list, text } from "./dom.js";
import { announce, attempt } from "./notices.js";
import { page } from "./pages.js";
import { clock, day, hover } from "./words.js";

const STATES = {
  asked: "asked for", preparing: "being made", ready: "ready", in_use: "in use", waiting: "waits for you",
  closing: "closing: 7 days of grace", archived: "archived", failed: "failed",
};
const DEEDS = { keep: "It is kept", remove: "It would be removed", archive: "It would be archived", forget: "Its archive would be removed" };
const OPEN = ["asked", "preparing", "ready", "in_use", "waiting"];

export function workspacesView() {
  const told = h("p", { class: "nothing", role: "status" }, "Looking…");
  const sweep = h("button", { class: "button small", type: "button", hidden: true }, "What would the janitor do?");
  const rows = h("ol", { class: "cards workspaces", role: "list" });
  const node = page("Workspaces", "Clones that sessions work in, and what is in them", told, h("p", {}, sweep), rows);
  const wish = wishes();
  let workspaces = [];
  let decisions = new Map();

  sweep.addEventListener("click", () => attempt(sweep, async () => {
    const swept = await post("sweep-workspaces", { key: newKey() });
    decisions = new Map(swept.decisions.map((one) => [one.key, one]));
    announce("Nothing was done.");
    show();
  }));

  async function load() {
    ({ workspaces } = await get("workspaces"));
    decisions = new Map();
    show();
  }

  function show() {
    sweep.hidden = workspaces.length === 0;
    told.hidden = workspaces.length > 0;
    text(told, "There is none yet. In a shell: pointsman start --workspace REPO@BRANCH TEXT");
    clear(rows);
    list(rows, workspaces, (one) => one.key, (one) => row(one, decisions.get(one.key), say));
  }

  /** It is over, or is to be kept. */
  async function say(one, path, words) {
    const { workspace } = await wish(path, { workspace: one.key });
    workspaces = workspaces.map((each) => (each.key === workspace.key ? workspace : each));
    decisions.delete(workspace.key);
    announce(words);
    show();
    document.getElementById("main").focus(); // what was pressed is gone
  }

  return { node, title: () => "Workspaces", load, update() {}, focus() {} };
}

function row(one, decision, say) {
  const work = [one.unpushed && `${one.unpushed} unpushed`, one.dirty && one.head && "changed"].filter(Boolean).join(", ");
  const where = one.machine_revoked ? `${one.machine_id}, which was revoked: what is in it is on that disk alone` : one.moving_to ? `${one.machine_id}, on its way to ${one.moving_to}` : one.machine_id;
  const why = (one.move_detail && `It stayed where it was: ${one.move_detail}`) || one.detail || (one.kept_by ? `Kept by ${one.kept_by}` : one.decision);
  const node = h("li", { class: "card" },
    h("div", { class: "meta" }, h("span", { class: "strong" }, one.key), h("time", { class: "quiet", title: hover(one.changed_at) }, `${day(one.changed_at)}, ${clock(one.changed_at)}`)),
    one.repository && h("p", { class: "quiet" }, one.repository),
    h("p", {}, `${STATES[one.state] ?? one.state} on ${where}${work ? ` · ${work}` : ""}`),
    why && h("p", { class: "quiet" }, why),
    decision && h("p", { class: "decision" }, `${DEEDS[decision.deed] ?? decision.deed}: ${decision.why}`),
    h("div", { class: "actions" },
      one.session_id && h("a", { class: "button small", href: `#/session/${encodeURIComponent(one.session_id)}` }, "Conversation"),
      OPEN.includes(one.state) && deed(one, "close-workspace", "Close", "It is over: in 7 days it is removed or archived.", say),
      (one.state === "closing" || (OPEN.includes(one.state) && !one.kept_by)) && deed(one, "keep-workspace", "Keep", "It is kept until somebody closes it.", say)));
  return { node, update() {} };
}

function deed(one, path, label, words, say) {
  const button = h("button", { class: "button small", type: "button", "aria-label": `${label} ${one.key}` }, label);
  button.addEventListener("click", () => attempt(button, () => say(one, path, words)));
  return button;
}
