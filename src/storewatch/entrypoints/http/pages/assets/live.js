// A part of a page that is marked data-live="milliseconds" is fetched anew after so long, again and again, and
// takes the place of the old one if it says something else. Pages work without any of this.
"use strict";

const away = document.getElementById("away");
const began = new Date();

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
  const same = next.innerHTML === part.innerHTML;
  if (next.dataset.state && next.dataset.state !== part.dataset.state) document.getElementById("said").textContent = next.dataset.state;
  part.dataset.live = next.dataset.live || "";
  if (same || part.contains(document.activeElement) && part.dataset.live && !document.activeElement.matches("a, button")) return;
  const held = document.activeElement && part.contains(document.activeElement) && document.activeElement.getAttribute("href");
  document.title = title;
  part.replaceWith(next);
  if (held) next.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus();
}

function lost(is) {
  away.hidden = !is;
  const time = began.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  away.textContent = is ? `The service is not answering. You are looking at this page as it was at ${time}; it will catch up by itself.` : "";
  if (!is) began.setTime(Date.now());
}

document.querySelectorAll("[data-live]").forEach((part) => follow(part.id));

// The search completes what is typed; whoever picks an id is led to its store.
const find = document.getElementById("find");
if (find) {
  const found = document.createElement("datalist");
  found.id = "found";
  find.after(found);
  find.setAttribute("list", found.id);
  find.addEventListener("input", () => setTimeout(complete, 150, find.value, found));
}

async function complete(typed, found) {
  if (!typed.trim() || typed !== find.value) return;
  const answer = await fetch(`/suggest?q=${encodeURIComponent(typed)}`).catch(() => null);
  if (!answer?.ok || typed !== find.value) return;
  const stores = await answer.json();
  found.replaceChildren(...stores.map((store) => new Option(store.store_name || store.store_id, store.store_id)));
}
