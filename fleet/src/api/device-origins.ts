import { API_BASE, api, type Endpoint } from '@starling/shared';
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { Origins } from '../origins.ts';

/** What a device needs before it speaks MQTT. None of it looks at a cookie: a page gains nothing from who is signed in. */
const endpoints: readonly Endpoint[] = [api.enrol, api.loginNonce, api.deviceLogin, api.deviceRekey, api.listRoots];
const PREFLIGHT_SECONDS = 600;

/** Path -> the methods of it that are open; another method of the same path is not. */
export const devicePaths: readonly { path: string; methods: string[] }[] = endpoints.map(({ path, method }) => ({
  path: `${API_BASE}${path}`,
  methods: [method.toUpperCase()],
}));

export function isDeviceCall(method: string, path: string): boolean {
  return devicePaths.some((each) => each.path === path && each.methods.includes(method));
}

/**
 * Lets pages of the sites that the setting `browserOrigins` names read the answers of these routes (CORS), without credentials: a
 * browser neither sends our cookies along nor shows an answer that was given to them.
 */
export function deviceOrigins(origins: Origins, methods: readonly string[]): MiddlewareHandler {
  return cors({
    origin: (origin, context) => (origin === '' ? null : origins.ofDevice(origin, context.req.header('host'))),
    allowMethods: [...methods],
    allowHeaders: ['content-type'],
    exposeHeaders: ['retry-after'],
    maxAge: PREFLIGHT_SECONDS,
  });
}
