// Runs before the first paint, so that neither the theme nor the sidebar flickers.
const root = document.documentElement;
root.classList.add("js");
try {
  const theme = localStorage.getItem("berth-theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const sidebar = localStorage.getItem("berth-sidebar");
  if (sidebar === "folded" || sidebar === "open") root.dataset.sidebar = sidebar;
} catch {
  // Storage can be forbidden; the system's theme is shown then.
}
