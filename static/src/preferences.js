// Theme and sidebar, kept in this browser only.
const root = document.documentElement;

function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Storage can be forbidden; the choice then lasts for this page.
  }
}

function showTheme() {
  const current = root.dataset.theme ?? "system";
  for (const button of document.querySelectorAll("[data-set-theme]")) {
    button.setAttribute("aria-pressed", String(button.dataset.setTheme === current));
  }
}

function setTheme(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  keep("berth-theme", theme === "system" ? null : theme);
  showTheme();
}

function sidebarIsFolded() {
  if (root.dataset.sidebar) return root.dataset.sidebar === "folded";
  return matchMedia("(max-width: 1023px)").matches;
}

function showSidebar() {
  for (const button of document.querySelectorAll("[data-fold-sidebar]")) {
    button.setAttribute("aria-expanded", String(!sidebarIsFolded()));
  }
}

export function startPreferences() {
  showTheme();
  showSidebar();
  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-set-theme]");
    if (theme) setTheme(theme.dataset.setTheme);
    if (event.target.closest("[data-fold-sidebar]")) {
      root.dataset.sidebar = sidebarIsFolded() ? "open" : "folded";
      keep("berth-sidebar", root.dataset.sidebar);
      showSidebar();
    }
  });
}
