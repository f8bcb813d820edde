import {
  type Actor,
  type Endpoint,
  type FileEndpoint,
  firstProblemOf,
  neededScope,
  type PathParams,
  type ResponseOf,
  type Role,
  StarlingError,
} from '@starling/shared';
import type { Context, Hono } from 'hono';
import type { z } from 'zod';
import { requireRole, requireScope } from '../auth/index.ts';
import { readBounded } from '../bounded-body.ts';

export interface ApiEnv {
  Variables: { actor: Actor | undefined; peer: string };
}
export type ApiApp = Hono<ApiEnv>;

/** What a handler gets: everything parsed by the endpoint's own schemas. */
export interface Call<E extends Endpoint> {
  params: Record<PathParams<E['path']>, string>;
  query: E extends { query: infer Query extends z.ZodType } ? z.output<Query> : Record<string, never>;
  body: E extends { body: infer Body extends z.ZodType } ? z.output<Body> : undefined;
  /** Signed in with at least the role that the endpoint asks for. For public endpoints a stand-in without rights. */
  actor: Actor;
  context: Context<ApiEnv>;
}

const nobody: Actor = { id: '', name: 'nobody', role: 'viewer', via: 'session', scopes: null };
const maximumBodyBytes = 1024 * 1024;

/**
 * Puts an endpoint on the app. Who may call is asked before anything that was sent is looked at; then the endpoint's own schemas
 * parse it.
 */
export function route<E extends Endpoint>(
  app: ApiApp,
  endpoint: E,
  handler: (call: Call<E>) => Promise<ResponseOf<E>> | ResponseOf<E>,
): void {
  app.on(endpoint.method.toUpperCase(), endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1'), async (context: Context<ApiEnv>) => {
    const actor = requireAccess(endpoint, context.get('actor'));
    const query = endpoint.query === undefined ? {} : parseInput(endpoint.query, context.req.query(), 'query');
    const body = endpoint.body === undefined ? undefined : parseInput(endpoint.body, await readJson(context), '');
    const call = { params: context.req.param(), query, body, actor, context } as unknown as Call<E>;
    return context.json(await handler(call), 200);
  });
}

/** What a handler of a file gets. */
export interface FileCall<E extends FileEndpoint> {
  params: Record<PathParams<E['path']>, string>;
  query: E extends { query: infer Query extends z.ZodType } ? z.output<Query> : Record<string, never>;
  actor: Actor;
  context: Context<ApiEnv>;
}

/** Puts a file or a stream on the app; who may have it is asked first, as for every endpoint. */
export function fileRoute<E extends FileEndpoint>(
  app: ApiApp,
  endpoint: E,
  handler: (call: FileCall<E>) => Promise<Response> | Response,
): void {
  app.get(endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1'), (context: Context<ApiEnv>) => {
    const actor = requireActor(endpoint.access, context.get('actor'));
    if (endpoint.scope !== 'all') requireScope(actor, endpoint.scope);
    else if (actor.scopes !== null) {
      throw new StarlingError('out-of-scope', 'this holds everything, so a token with scopes cannot have it', {
        hint: 'use a token without scopes',
      });
    }
    const query = endpoint.query === undefined ? {} : parseInput(endpoint.query, context.req.query(), 'query');
    return handler({ params: context.req.param(), query, actor, context } as unknown as FileCall<E>);
  });
}

function requireActor(role: Role, actor: Actor | undefined): Actor {
  if (actor === undefined) throw new StarlingError('not-signed-in', 'this needs a login', { hint: 'sign in, or send an API token' });
  requireRole(actor, role);
  return actor;
}

function requireAccess(endpoint: Endpoint, given: Actor | undefined): Actor {
  if (endpoint.access === 'public') return given ?? nobody;
  const actor = requireActor(endpoint.access, given);
  if (endpoint.anyScope !== true) requireScope(actor, neededScope(endpoint));
  return actor;
}

function parseInput(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problem = firstProblemOf(parsed.error);
  const field = [where, problem.field].filter((part) => part !== '').join('.');
  throw new StarlingError('invalid-request', `${field === '' ? 'the request' : field}: ${problem.message}`, { field });
}

async function readJson({ req }: Context): Promise<unknown> {
  const tooLarge = (): StarlingError =>
    new StarlingError('upload-too-large', `JSON bodies are taken up to ${maximumBodyBytes} bytes`, { field: 'body', hint: 'send less' });
  if (Number(req.header('content-length') ?? 0) > maximumBodyBytes) throw tooLarge();
  // A form of another site can send text, but no JSON content type, without asking the browser first.
  if (!(req.header('content-type') ?? '').startsWith('application/json')) {
    throw new StarlingError('invalid-request', 'the body has to be JSON', { field: 'body', hint: 'send content-type: application/json' });
  }
  const bytes = await readBounded(req.raw.body, maximumBodyBytes, tooLarge);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new StarlingError('invalid-request', 'the body is no JSON', { field: 'body', cause });
  }
}
