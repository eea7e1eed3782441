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

export function morph(target, fresh) {
  return Idiomorph.morph(target, fresh, { morphStyle: "outerHTML", callbacks: { beforeNodeMorphed } });
}
