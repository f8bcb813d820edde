/**
 * Makes this page one in which threads share memory, where its server sends no headers that say so: a service worker says it, for which
 * the page is loaded once more. It is to be awaited before anything else is done.
 * @param serviceWorker address of `isolation-worker.js`, copied to where it covers the page
 * @returns whether the page is isolated; one that is not runs models in one thread
 */
export async function isolatePage(serviceWorker: string | URL): Promise<boolean> {
  if (!isSecureContext || navigator.serviceWorker === undefined) return crossOriginIsolated;
  const registration = await navigator.serviceWorker.register(serviceWorker);
  if (crossOriginIsolated || sessionStorage.getItem(TRIED) !== null) return crossOriginIsolated;
  sessionStorage.setItem(TRIED, 'yes');
  await (registration.active === null ? navigator.serviceWorker.ready : registration);
  location.reload();
  // Nothing more is done on a page that goes.
  return new Promise(() => undefined);
}

const TRIED = 'isolation-tried';
