// The answer beside a VMID: when none comes, that of another number must not stay.

export function startVmid() {
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.body.addEventListener(failure, (event) => {
      if (!("vmid" in event.detail.elt.dataset)) return;
      const unanswered = document.getElementById("vmid-unanswered");
      document.getElementById("vmid-check").replaceChildren(unanswered.content.cloneNode(true));
    });
  }
}
