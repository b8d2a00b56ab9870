// Elements, made without ever reading text as markup.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  back: "M15 5l-7 7 7 7",
  send: "M5 12h13M12 5l7 7-7 7",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  down: "M6 9l6 6 6-6",
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
