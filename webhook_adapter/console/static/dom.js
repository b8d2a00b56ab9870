// Elements, made without ever reading text as markup.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  back: "M15 5l-7 7 7 7",
  send: "M5 12h13M12 5l7 7-7 7",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  down: "M6 9l6 6 6-6",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L21 21",
  screen: "M3 5h18v12H3zM8 21h8M6.5 9l2.5 2.5L6.5 14M11.5 14h4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  attach: "M20 11.5l-8 8a5.2 5.2 0 0 1-7.4-7.4l8.3-8.3a3.5 3.5 0 0 1 5 5l-8.3 8.2a1.7 1.7 0 0 1-2.5-2.5l7.6-7.5",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  key: "M3 7h18v10H3zM7 10.5h.01M11 10.5h.01M15 10.5h.01M8 14h8",
  close: "M6 6l12 12M18 6L6 18",
  done: "M5 12.5l4.5 4.5L19 7.5",
  failed: "M7 7l10 10M17 7L7 17",
  running: "M12 4a8 8 0 1 1-7.4 5",
  pending: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14z",
  read: "M6 3h9l4 4v14H6zM9 12h7M9 16h5",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  run: "M4 5h16v14H4zM7.5 9.5l3 2.5-3 2.5M12.5 15h4",
  fetch: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM4 12h16M12 4c5 5 5 11 0 16M12 4c-5 5-5 11 0 16",
  other: "M13 3L5 14h6l-1 7 8-11h-6z",
  plan: "M4 6l1.5 1.5L8 5M4 12l1.5 1.5L8 11M4 18l1.5 1.5L8 17M11 6.5h9M11 12.5h9M11 18.5h9",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.5l3 2",
  next: "M9 5l7 7-7 7",
  inbox: "M4 13l3-8h10l3 8v6H4zM4 13h5l1 3h4l1-3h5",
};

/** h("p", {class: "x", onclick: f}, "text", node): functions become listeners, true and false switch an attribute. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else attribute(node, name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Writes only what differs: an untouched node keeps its selection and is not read out again. */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

export function attribute(node, name, value) {
  if (value === false || value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value === true ? "" : value)) {
    node.setAttribute(name, value === true ? "" : String(value));
  }
}

const rows = new WeakMap();

/**
 * Makes the children of parent show items, in order, keeping the nodes of those it knew.
 * make(item) gives {node, update(item)}; a row of another key is another node.
 */
export function list(parent, items, keyOf, make) {
  const known = rows.get(parent) ?? new Map();
  const next = new Map();
  if (known.size === 0) parent.replaceChildren();
  const wanted = new Set(items.map(keyOf));
  // First the removals: a node that stays in its place keeps its focus.
  for (const [key, row] of known) if (!wanted.has(key)) row.node.remove();
  let place = parent.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    const row = known.get(key) ?? make(item);
    row.update(item);
    next.set(key, row);
    if (row.node === place) place = place.nextSibling;
    else parent.insertBefore(row.node, place);
  }
  rows.set(parent, next);
}

/** Takes the rows out; list() makes them anew. */
export function clear(parent) {
  rows.delete(parent);
  parent.replaceChildren();
}

/** The text of a button or code line on the clipboard; selects it where the browser does not allow that. */
export async function copy(source, value) {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    getSelection().selectAllChildren(source);
    return false;
  }
}

/** A command line to paste, with its button. */
export function commandLine(value) {
  const code = h("code", {}, value);
  const button = h("button", { class: "button ghost small", type: "button", "aria-label": `Copy: ${value}` }, icon("copy"), "Copy");
  button.addEventListener("click", async () => {
    button.lastChild.textContent = (await copy(code, value)) ? "Copied" : "Selected";
    setTimeout(() => (button.lastChild.textContent = "Copy"), 1600);
  });
  return h("div", { class: "command-line" }, code, button);
}
