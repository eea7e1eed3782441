// A container's page says how the container is, whatever happens to it elsewhere: its buttons and badge are fetched anew when there is news.
import { follow } from "./stream.js";

const place = document.querySelector("[data-live-actions]");
let told = false;

function renew() {
  const bar = place.querySelector(".action-bar");
  // What is under way is asked for already.
  if (!bar || "poll" in bar.dataset) return;
  window.htmx.ajax("GET", place.dataset.liveActions, { target: bar, swap: "morph", headers: { "X-Berth-Auto": "1" } });
}

if (place) {
  follow(
    "/dashboard/events",
    "",
    () => {
      // The first word is how it was when the page was made.
      if (told) renew();
      told = true;
      return false;
    },
    () => {},
  );
}
