/* The shell only: pages open without network, data never comes from here. */
const CACHE = "vitrine-shell-1";
const SHELL = ["/app/", "/app/manifest.webmanifest", "/app/icons/icon.svg"];

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(SHELL))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || !pathname.startsWith("/app/")) return;
  if (request.mode === "navigate") event.respondWith(freshPage(request));
  else if (pathname.startsWith("/app/assets/") || SHELL.includes(pathname))
    event.respondWith(cachedFile(request));
});

/** The newest page while there is network; the stored shell otherwise. */
async function freshPage(request) {
  try {
    const response = await fetch(request);
    if (response.ok) {
      const cache = await caches.open(CACHE);
      await cache.put("/app/", response.clone());
      await dropOldAssets(cache, await response.clone().text());
    }
    return response;
  } catch {
    return (await caches.match("/app/")) ?? Response.error();
  }
}

/** Assets carry a hash in their name, so a stored one is never stale. */
async function cachedFile(request) {
  const stored = await caches.match(request);
  if (stored) return stored;
  const response = await fetch(request);
  if (response.ok) await (await caches.open(CACHE)).put(request, response.clone());
  return response;
}

/** Files that the newest page no longer names are from an older build. */
async function dropOldAssets(cache, html) {
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/app/assets/") && !html.includes(pathname)) await cache.delete(request);
  }
}
