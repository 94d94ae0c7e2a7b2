// Parts of a page that are marked data-live="milliseconds" are fetched anew until they are marked no more.
"use strict";

function follow(id) {
  const part = document.getElementById(id);
  if (!part || !part.dataset.live) return;
  setTimeout(() => renew(part), Number(part.dataset.live));
}

async function renew(part) {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById(part.id);
    if (answer.ok && next) {
      say(part.dataset.state, next.dataset.state);
      document.title = page.title;
      if (next.innerHTML !== part.innerHTML) part.replaceWith(next);
      else part.dataset.live = next.dataset.live || "";
    }
  } catch {
    // The service may be starting anew: the next look will tell.
  }
  follow(part.id);
}

function say(before, after) {
  if (after && after !== before) document.getElementById("said").textContent = after;
}

document.querySelectorAll("[data-live]").forEach((part) => follow(part.id));
