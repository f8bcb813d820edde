import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import {
  type Actor,
  type Endpoint,
  type PathParams,
  problemDetailsSchema,
  type ResponseOf,
  type Role,
  StarlingError,
} from '@starling/shared';
import type { Context } from 'hono';
import { z } from 'zod';
import { atLeast } from '../auth/index.ts';

export interface ApiEnv {
  Variables: { actor: Actor | undefined; peer: string };
}
export type ApiApp = OpenAPIHono<ApiEnv>;

/** What a handler gets: everything parsed by the endpoint's own schemas. */
export interface Call<E extends Endpoint> {
  params: Record<PathParams<E['path']>, string>;
  query: E extends { query: infer Query extends z.ZodType } ? z.output<Query> : Record<string, never>;
  body: E extends { body: infer Body extends z.ZodType } ? z.output<Body> : undefined;
  /** Signed in with at least the role that the endpoint asks for. For public endpoints a stand-in without rights. */
  actor: Actor;
  context: Context<ApiEnv>;
}

const nobody: Actor = { id: '', name: 'nobody', role: 'viewer', via: 'session' };
const maximumBodyBytes = 1024 * 1024;

/** Puts an endpoint on the app: its access rule, its parsing and its entry in the OpenAPI document come from its declaration. */
export function route<E extends Endpoint>(
  app: ApiApp,
  endpoint: E,
  handler: (call: Call<E>) => Promise<ResponseOf<E>> | ResponseOf<E>,
): void {
  const declaration = createRoute(describe(endpoint));
  app.openapi(
    declaration as never,
    (async (context: Context<ApiEnv>) => {
      const actor = requireAccess(endpoint, context.get('actor'));
      const query = endpoint.query === undefined ? {} : parseInput(endpoint.query, context.req.query(), 'query');
      const body = endpoint.body === undefined ? undefined : parseInput(endpoint.body, await readJson(context), '');
      const call = { params: context.req.param(), query, body, actor, context } as unknown as Call<E>;
      return context.json(await handler(call), 200);
    }) as never,
  );
}

function describe(endpoint: Endpoint) {
  const names = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const content = endpoint.rawBody
    ? { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } }
    : endpoint.body === undefined
      ? undefined
      : { 'application/json': { schema: endpoint.body } };
  return {
    method: endpoint.method,
    path: endpoint.path,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: endpoint.access === 'public' ? 'Needs no login.' : `Needs the role ${endpoint.access}.`,
    ...(endpoint.access === 'public' ? { security: [] } : {}),
    request: {
      ...(names.length === 0 ? {} : { params: z.object(Object.fromEntries(names.map((name) => [name, z.string()]))) }),
      ...(endpoint.query === undefined ? {} : { query: endpoint.query }),
      // Parsed by `route`, which answers with our own problems; here it only documents.
      ...(content === undefined ? {} : { body: { content, required: false } }),
    },
    responses: {
      200: { description: 'Done', content: { 'application/json': { schema: endpoint.response } } },
      default: { description: 'A problem (RFC 9457)', content: { 'application/problem+json': { schema: problemDetailsSchema } } },
    },
  };
}

function requireAccess(endpoint: Endpoint, actor: Actor | undefined): Actor {
  if (endpoint.access === 'public') return actor ?? nobody;
  if (actor === undefined) throw new StarlingError('not-signed-in', 'this needs a login', { hint: 'sign in, or send an API token' });
  requireRole(actor, endpoint.access);
  return actor;
}

export function requireRole(actor: Actor, role: Role): void {
  if (!atLeast(actor.role, role))
    throw new StarlingError('forbidden', `this needs the role ${role}, you are ${actor.role}`, { hint: 'ask an admin' });
}

function parseInput(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = [where, ...(issue?.path ?? [])].filter((part) => part !== '').join('.');
  throw new StarlingError('invalid-request', `${field === '' ? 'the request' : field}: ${issue?.message ?? 'invalid'}`, { field });
}

async function readJson(context: Context): Promise<unknown> {
  if (Number(context.req.header('content-length') ?? 0) > maximumBodyBytes) {
    throw new StarlingError('upload-too-large', `JSON bodies are taken up to ${maximumBodyBytes} bytes`, { field: 'body' });
  }
  // A form of another site can send text, but no JSON content type, without asking the browser first.
  if (!(context.req.header('content-type') ?? '').startsWith('application/json')) {
    throw new StarlingError('invalid-request', 'the body has to be JSON', { field: 'body', hint: 'send content-type: application/json' });
  }
  try {
    return await context.req.json();
  } catch (cause) {
    throw new StarlingError('invalid-request', 'the body is no JSON', { field: 'body', cause });
  }
}
