import { isolated } from '../isolated-response.ts';

/** Keeps the page and its code for a start without a network. Models lie elsewhere, in the private files of the agent. */
declare const self: ServiceWorkerGlobalScope;
/** Every file of this build, relative to the page; put in by the build. */
declare const STARLING_FILES: readonly string[];

const CACHE = 'starling-run';
/** A network that takes longer to answer for the page is none. */
const PATIENCE_MS = 4_000;

self.addEventListener('install', (event) => event.waitUntil(keepBuild().then(() => self.skipWaiting())));
self.addEventListener('activate', (event) => event.waitUntil(dropOlder().then(() => self.clients.claim())));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin || !url.href.startsWith(self.registration.scope)) return;
  event.respondWith(request.mode === 'navigate' ? answerPage(request) : answerFile(event));
});

async function keepBuild(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const file of STARLING_FILES) {
    const url = new URL(file, self.registration.scope);
    // A name with a hash in it never means something else.
    if (isHashed(file) && (await cache.match(url)) !== undefined) continue;
    await cache.add(new Request(url, isHashed(file) ? {} : { cache: 'reload' }));
  }
}

async function dropOlder(): Promise<void> {
  const cache = await caches.open(CACHE);
  const kept = new Set(STARLING_FILES.map((file) => new URL(file, self.registration.scope).href));
  for (const { url } of await cache.keys()) if (isHashed(url) && !kept.has(url) && !isEngine(url)) await cache.delete(url);
}

/** The newest page while there is a network, the kept one otherwise. */
async function answerPage(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.ok) return isolated(response);
    if (response.status < 500) return response;
  } catch {
    // No network: below.
  }
  const kept = await cache.match(new URL('./', self.registration.scope));
  return kept === undefined ? Response.error() : isolated(kept);
}

async function answerFile(event: FetchEvent): Promise<Response> {
  const { request } = event;
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept !== undefined && isHashed(request.url)) return isolated(kept);
  try {
    const response = await fetch(request);
    // Whoever asked waits neither until it is kept, nor for room on the disk.
    if (response.ok && isHashed(request.url)) event.waitUntil(cache.put(request, response.clone()).catch(() => undefined));
    return isolated(response);
  } catch (error) {
    if (kept !== undefined) return isolated(kept);
    throw error;
  }
}

function isHashed(url: string): boolean {
  return url.includes('assets/');
}

/** Builds of the engine are large, and each browser uses one or two of them: they are kept when they are used. */
function isEngine(url: string): boolean {
  return url.includes('/ort-');
}
