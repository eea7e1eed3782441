// Small behaviours of the page's own elements. All of them only add to what HTML does by itself.

const announcer = () => document.getElementById("announcer");

export function announce(text) {
  const region = announcer();
  if (region) region.textContent = text;
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.dataset.copied = "";
    announce("Copied");
  } catch {
    // No clipboard outside https and localhost: select it, so that the keyboard can.
    getSelection().selectAllChildren(source);
    announce("Selected. Press the copy keys.");
  }
  setTimeout(() => delete button.dataset.copied, 2000);
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu-root[open]")) {
    if (menu !== except) menu.open = false;
  }
}

// A menu closes when a question is asked from it; afterwards the focus is back on the menu's button.
function ask(dialog) {
  const menu = document.activeElement?.closest("[popover]");
  const button = () => document.querySelector(`[popovertarget="${menu.id}"]`);
  if (menu) dialog.addEventListener("close", () => button()?.focus(), { once: true });
  dialog.showModal();
}

function onClick(event) {
  closeMenus(event.target.closest("details.menu-root"));
  const target = event.target.closest("[data-copy], [data-dismiss], [data-open-dialog], [data-close-dialog], [data-fill]");
  if (!target) return;
  if (target.dataset.copy) copy(target);
  if ("dismiss" in target.dataset) target.closest(".toast-card")?.remove();
  if (target.dataset.openDialog) {
    event.preventDefault();
    document.getElementById(target.dataset.openDialog)?.showModal();
  }
  if ("closeDialog" in target.dataset) {
    event.preventDefault();
    target.closest("dialog")?.close();
  }
  if (target.dataset.fill) {
    event.preventDefault();
    fill(target);
  }
}

// Buttons that tick or fill other fields of the form: data-fill="name=value name=value".
function fill(button) {
  const form = button.closest("form");
  for (const pair of button.dataset.fill.split(" ")) {
    const [name, value] = pair.split("=");
    const field = form?.querySelector(`[name="${CSS.escape(name)}"]:not([type="hidden"])`);
    if (!field) continue;
    if (field.type === "checkbox") field.checked = value === "on";
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

function onKey(event) {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu-root[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

// A second click while the first is under way must not send the form twice.
function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent !== undefined) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "";
  const button = event.submitter;
  if (button?.dataset.busy) {
    setTimeout(() => {
      button.setAttribute("aria-disabled", "true");
      const label = button.querySelector("[data-label]");
      if (label) label.textContent = button.dataset.busy;
    });
  }
}

export function startWidgets() {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", onSubmit);
  // The browser's back button may bring a form back as it was left.
  addEventListener("pageshow", (event) => {
    // One that was sent and is kept from before shows what was: the server knows more by now.
    if (event.persisted && document.querySelector("form[data-sent] [name=version]")) location.reload();
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
  document.addEventListener("change", ({ target }) => {
    if ("submit" in target.dataset) target.form?.requestSubmit();
  });
  for (const dialog of document.querySelectorAll("dialog[data-open]")) dialog.showModal();
  // A question that was fetched opens as it comes, and closes when it is answered, unless what was typed is wrong.
  document.body.addEventListener("htmx:load", ({ target }) => {
    if (target.matches("dialog[data-open]:not([open])")) ask(target);
  });
  document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr.status !== 422) detail.requestConfig.elt.closest("dialog")?.close();
  });
  document.querySelector("[data-focus]")?.focus();
}
