/* Keeps the page for "no network" and its files, and answers with it where the network does not. Nothing that anybody
   sees or enters is ever kept here: pages with content always come from the server, or not at all. */
"use strict";
const KEPT = "cgt-shell-{{ version }}";
const SHELL = "{{ shell }}";
const FILES = [{% for file in files %}"{{ file|escapejs }}"{% if not forloop.last %}, {% endif %}{% endfor %}];
const PATIENCE = 20000; // ms until a page that does not come counts as no network
const SOON = 5000; // ms until a file that is kept is taken from there

self.addEventListener("install", (event) => {
  const asked = [SHELL, ...FILES].map((address) => new Request(address, { cache: "reload", credentials: "omit" }));
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(asked)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const drop = (names) => Promise.all(names.filter((name) => name.startsWith("cgt-") && name !== KEPT).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(drop).then(() => self.clients.claim()));
});

const shell = () => caches.match(SHELL, { ignoreSearch: true });

const page = async (request) => {
  try {
    if (request.method !== "GET") return await fetch(request);
    return await fetch(request, { signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    // A form that was sent when the network went: whether it arrived nobody knows here.
    if (request.method !== "GET") return Response.redirect(`${SHELL}?uncertain`, 303);
    return (await shell()) ?? Response.error();
  }
};

const file = async (request) => {
  const kept = await caches.match(request, { ignoreSearch: true });
  if (!kept) return fetch(request);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(SOON) });
    return answer.ok ? answer : kept;
  } catch {
    return kept; // also where the network is dead but does not say so
  }
};

self.addEventListener("message", (event) => {
  if (event.data === "claim") event.waitUntil(self.clients.claim()); // of a page that was loading while this began
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (address.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (request.method === "GET" && FILES.includes(address.pathname)) event.respondWith(file(request));
});
