/**
 * Registers what keeps this page, and asks the browser not to throw away what the agent stores. Where the server could not say that this
 * page is isolated, the service worker says so, for which the page has to be loaded once more.
 */
export async function keepForOffline(): Promise<void> {
  if (!isSecureContext || navigator.serviceWorker === undefined) return;
  const registration = await navigator.serviceWorker.register(new URL('service-worker.js', document.baseURI), { scope: './' });
  void navigator.storage.persist();
  if (crossOriginIsolated || sessionStorage.getItem(TRIED) !== null) return;
  sessionStorage.setItem(TRIED, 'yes');
  await (registration.active === null ? navigator.serviceWorker.ready : registration);
  location.reload();
  // Nothing more is done on a page that goes.
  await new Promise(() => undefined);
}

const TRIED = 'isolation-tried';
