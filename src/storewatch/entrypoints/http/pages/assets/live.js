// A part of a page that is marked data-live="milliseconds" is fetched anew after so long, again and again, and
// takes the place of the old one if it says something else. What the reader has opened stays open, what has the
// focus keeps it, and nothing is replaced under who is choosing in a form. A page without such a part asks
// whether the service is there at all. A service that is away is said until it answers again. Pages work without
// any of this.
"use strict";

const away = document.getElementById("away");
const LOOK = 15000; // milliseconds between two looks whether the service is there
const began = new Date();
const HELD = "a, button, summary";

function follow(id) {
  const part = document.getElementById(id);
  if (part && part.dataset.live) setTimeout(() => renew(part), Number(part.dataset.live));
}

async function renew(part) {
  if (document.visibilityState === "visible") {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.status >= 500) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById(part.id);
      if (answer.ok && next) replace(part, next, page.title);
      lost(false);
    } catch {
      lost(true);
    }
  }
  follow(part.id);
}

function replace(part, next, title) {
  for (const summary of next.querySelectorAll("summary")) {
    const held = like(part, sign(summary));
    if (held) summary.parentElement.open = held.parentElement.open;
  }
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  const choosing = active && !active.matches(HELD) || [...part.querySelectorAll("select")].some(isChanged);
  if (next.dataset.state && next.dataset.state !== part.dataset.state) document.getElementById("said").textContent = next.dataset.state;
  part.dataset.state = next.dataset.state || "";
  part.dataset.live = next.dataset.live || "";
  if (next.innerHTML === part.innerHTML || choosing && part.dataset.live) return;
  document.title = title;
  part.replaceWith(next);
  if (active) like(next, sign(active))?.focus();
}

function isChanged(select) {
  return select.selectedIndex !== Math.max(0, [...select.options].findIndex((each) => each.defaultSelected));
}

// What tells an element from the others of its part, whichever report it is about.
function sign(element) {
  return element.id || (element.getAttribute("href") || element.textContent).replace(/(as_of|report)=[^&#]*/g, "");
}

function like(part, wanted) {
  return [...part.querySelectorAll(HELD)].find((each) => sign(each) === wanted);
}

function isLive() {
  return document.querySelector('[data-live]:not([data-live=""])') !== null;
}

async function look() {
  if (document.visibilityState !== "visible" || isLive()) return;
  try {
    // Not /healthz: a gateway may keep that to itself.
    const answer = await fetch(document.querySelector("link[rel=icon]").href, { cache: "no-store" });
    lost(answer.status >= 500);
  } catch {
    lost(true);
  }
}

function lost(is) {
  if (is && !away.hidden) return;
  away.hidden = !is;
  const time = began.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const then = isLive() ? "It will catch up by itself." : "Links and buttons will work again when it is back.";
  away.textContent = is ? `The service is not answering. You are looking at this page as it was at ${time}. ${then}` : "";
  if (!is && isLive()) began.setTime(Date.now());
}

document.querySelectorAll("[data-live]").forEach((part) => follow(part.id));
setInterval(look, LOOK);
document.addEventListener("visibilitychange", look);

// The search completes what is typed; whoever picks an id is led to its store.
const search = document.getElementById("find");
if (search) {
  const found = document.createElement("datalist");
  found.id = "found";
  search.after(found);
  search.setAttribute("list", found.id);
  search.addEventListener("input", () => setTimeout(complete, 150, search.value, found));
}

async function complete(typed, found) {
  if (!typed.trim() || typed !== search.value) return;
  const answer = await fetch(`/suggest?q=${encodeURIComponent(typed)}`).catch(() => null);
  if (!answer?.ok || typed !== search.value) return;
  const stores = await answer.json();
  found.replaceChildren(...stores.map((store) => new Option(store.store_name || store.store_id, store.store_id)));
}
