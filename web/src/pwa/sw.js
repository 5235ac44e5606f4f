// The service worker: the client's own files, so that it starts without a network. It never touches
// what the server says: `/api` and `/ws` go past it. The build fills in the version and the files.
const CACHE = "hubbub-__VERSION__";
const SHELL = "/";
const FILES = __FILES__;
/** How long the server has to answer before the remembered page is shown, in milliseconds. */
const PATIENCE = 3_000;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([SHELL, ...FILES])));
});

self.addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("hubbub-") && name !== CACHE;
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (!/^\/(?:api|ws|healthz|readyz|metrics)(?:\/|$)/.test(url.pathname)) event.respondWith(page(request));
  } else if (/^\/(?:assets|emoji)\//.test(url.pathname) || FILES.includes(url.pathname)) {
    event.respondWith(file(request));
  }
});

/** The newest page if the server answers in time, else the one that is remembered. */
async function page(request) {
  const remembered = await caches.match(SHELL, { ignoreVary: true });
  if (!remembered) return fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, remembered));
  const fresh = fetch(request).then(
    (answer) => (answer.ok ? answer : remembered),
    () => remembered,
  );
  return Promise.race([fresh, late]);
}

/** A file as it is remembered; one that is not is fetched, and remembered from then on. */
async function file(request) {
  // A script is asked for with other headers than those it was remembered with; it is the same file.
  const remembered = await caches.match(request, { ignoreVary: true });
  if (remembered) return remembered;
  const answer = await fetch(request);
  if (answer.ok) {
    const cache = await caches.open(CACHE);
    await cache.put(request, answer.clone());
  }
  return answer;
}

// A notification leads to its message, in the tab that is open, or in a new one.
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const path = event.notification.data?.path ?? SHELL;
  event.waitUntil(open(path));
});

async function open(path) {
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const tab = tabs.find(({ visibilityState }) => visibilityState === "visible") ?? tabs[0];
  if (!tab) return self.clients.openWindow(path);
  tab.postMessage({ type: "open", path });
  return tab.focus();
}
