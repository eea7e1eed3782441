// The realms of a host arrive while somebody may have chosen one already: their choice stays, where the new list has it.
export function startRealms() {
  const select = () => document.getElementById("f-realm");
  let chosen = "";
  document.body.addEventListener("change", (event) => {
    if (event.target === select()) chosen = event.target.value;
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    const now = select();
    if (now && [...now.options].some((option) => option.value === chosen)) now.value = chosen;
  });
}
