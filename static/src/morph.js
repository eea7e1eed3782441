// Puts new HTML in the place of an element and keeps focus, scroll and what the reader has opened or typed in secret.
import { Idiomorph } from "idiomorph";

// Secrets are never sent back, so what was typed into their fields stays as it is; open details and dialogs stay open.
function beforeNodeMorphed(old, fresh) {
  if (!(old instanceof Element)) return true;
  if (old.tagName === "DETAILS" && old.open) fresh.open = true;
  if (old.tagName === "DIALOG" && old.open) return false;
  // Already shown in the reader's zone.
  if (old.tagName === "TIME" && old.dateTime === fresh.dateTime) return false;
  if (!("keep" in old.dataset)) return true;
  for (const name of ["aria-invalid", "aria-describedby", "data-focus", "placeholder"]) {
    if (fresh.hasAttribute(name)) old.setAttribute(name, fresh.getAttribute(name));
    else old.removeAttribute(name);
  }
  return false;
}

// Whoever was in it with the keyboard is still in it afterwards, also when their button has gone.
export function morph(target, fresh) {
  const inside = target.contains(document.activeElement);
  const nodes = Idiomorph.morph(target, fresh, { morphStyle: "outerHTML", callbacks: { beforeNodeMorphed } });
  if (inside && document.activeElement === document.body) focusFirst(nodes);
  return nodes;
}

function focusFirst(nodes) {
  for (const node of nodes) {
    const first = node instanceof Element && node.querySelector("[data-focus], a[href], button:not(:disabled)");
    if (first) return first.focus({ preventScroll: true });
  }
}
