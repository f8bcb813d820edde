import { API_BASE, api, RUN_PAGE_PATH } from '@starling/shared';
import type { Context, MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

/** Content security of the dashboard: everything from here, nothing inline but styles, which the component library sets. */
const dashboardPolicy = {
  defaultSrc: ["'self'"],
  imgSrc: ["'self'", 'blob:', 'data:'],
  styleSrc: ["'self'", "'unsafe-inline'"],
  connectSrc: ["'self'"],
  frameAncestors: ["'none'"],
  baseUri: ["'self'"],
  formAction: ["'self'"],
  objectSrc: ["'none'"],
};

/**
 * Content security of the page that runs models: what it sees may go to this fleet and its broker, nowhere else. `wasm-unsafe-eval`
 * lets WebAssembly compile, and nothing but that.
 */
const runPolicy = (brokers: readonly string[]) => ({
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
  workerSrc: ["'self'"],
  connectSrc: ["'self'", brokerOfThisHost, ...brokers],
  imgSrc: ["'self'", 'blob:', 'data:'],
  mediaSrc: ["'self'", 'blob:', 'mediastream:'],
  styleSrc: ["'self'"],
  fontSrc: ["'self'"],
  manifestSrc: ["'self'"],
  frameAncestors: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  objectSrc: ["'none'"],
});

/** What the page may ask the browser for; everything else that knows something about people is off. */
const permissions = {
  camera: ['self'],
  microphone: ['self'],
  displayCapture: ['self'],
  screenWakeLock: ['self'],
  fullscreen: ['self'],
  ...{ geolocation: [], payment: [], usb: [], serial: [], hid: [], midi: [] },
};

/**
 * Headers of every answer; those of the page that runs models are its own. It is isolated (`require-corp`), since only then do
 * browsers let threads share memory.
 * @param brokers origins of the broker's WebSockets
 */
export function pageHeaders(brokers: readonly string[]): MiddlewareHandler {
  const ofDashboard = secureHeaders({
    ...{ contentSecurityPolicy: dashboardPolicy, xFrameOptions: 'DENY', referrerPolicy: 'same-origin' },
    crossOriginEmbedderPolicy: 'credentialless',
  });
  const ofRunPage = secureHeaders({
    ...{ contentSecurityPolicy: runPolicy(brokers), xFrameOptions: 'DENY', referrerPolicy: 'no-referrer', permissionsPolicy: permissions },
    crossOriginEmbedderPolicy: 'require-corp',
  });
  return async (context, next) => {
    const { path } = context.req;
    await (isRunPath(path) ? ofRunPage : ofDashboard)(context, next);
    if (path === rootsPath) context.res.headers.set('cross-origin-resource-policy', 'cross-origin');
  };
}

/**
 * Signed public keys, which any page may load, though read only where `browserOrigins` names its site: so an agent in a page knows a fleet
 * that does not let it in from one that does not answer.
 */
const rootsPath = `${API_BASE}${api.listRoots.path}`;

function isRunPath(path: string): boolean {
  return path === RUN_PAGE_PATH || path.startsWith(`${RUN_PAGE_PATH}/`);
}

/** A host and a port, and nothing that could end a directive of the policy: the header of a request is whatever its sender wants. */
const HOST = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i;

/** `'self'` covers WebSockets of the same host in some browsers only. */
function brokerOfThisHost(context: Context): string {
  const { host, protocol } = new URL(context.req.url);
  if (!HOST.test(host)) return "'self'";
  return `${protocol === 'https:' ? 'wss' : 'ws'}://${host}`;
}
