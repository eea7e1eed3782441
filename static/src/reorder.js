// A list whose items move, by drag and by their buttons: templates/macros/reorder.html. Without this script the buttons send the form.
import Sortable, { AutoScroll } from "sortablejs/modular/sortable.core.esm.js";
import { announce } from "./widgets.js";

Sortable.mount(new AutoScroll());

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
const itemsOf = (list) => [...list.querySelectorAll(":scope > [data-reorder-item]")];

// The edges keep their buttons: one that vanished would take the focus with it.
function markEdges(list) {
  const items = itemsOf(list);
  for (const [position, item] of items.entries()) {
    for (const [button, atEdge] of [
      [item.querySelector('[data-reorder-move="up"]'), position === 0],
      [item.querySelector('[data-reorder-move="down"]'), position === items.length - 1],
    ]) {
      if (atEdge) button?.setAttribute("aria-disabled", "true");
      else button?.removeAttribute("aria-disabled");
    }
  }
}

function tell(item, moved) {
  const list = item.parentElement;
  const items = itemsOf(list);
  const place = `${items.indexOf(item) + 1} of ${items.length}`;
  announce(moved ? `${item.dataset.reorderItem} moved to place ${place}` : `${item.dataset.reorderItem} stays in place ${place}`);
}

function changed(item) {
  markEdges(item.parentElement);
  tell(item, true);
  // For whoever keeps the form while it is filled in.
  item.querySelector("[data-reorder-value]")?.dispatchEvent(new Event("change", { bubbles: true }));
}

function onClick(event) {
  const button = event.target.closest("[data-reorder] [data-reorder-move]");
  if (!button) return;
  event.preventDefault();
  const item = button.closest("[data-reorder-item]");
  const items = itemsOf(item.parentElement);
  const up = button.dataset.reorderMove === "up";
  const neighbour = items[items.indexOf(item) + (up ? -1 : 1)];
  if (!neighbour) {
    tell(item, false);
    return;
  }
  // The neighbour moves, so that the button under the pointer and the focus stays in the document all the time.
  if (up) item.after(neighbour);
  else item.before(neighbour);
  button.focus();
  button.scrollIntoView({ block: "nearest" });
  changed(item);
}

function attach(list) {
  if (Sortable.get(list)) return;
  Sortable.create(list, {
    draggable: "[data-reorder-item]",
    handle: "[data-reorder-handle]",
    animation: reducedMotion.matches ? 0 : 150,
    ghostClass: "reorder-ghost",
    onEnd: ({ item, oldIndex, newIndex }) => oldIndex !== newIndex && changed(item),
  });
}

function attachAll() {
  for (const list of document.querySelectorAll("[data-reorder]")) attach(list);
}

document.addEventListener("click", onClick);
// Parts of a page that htmx has put in place may hold a new list.
document.body.addEventListener("htmx:load", attachAll);
attachAll();
