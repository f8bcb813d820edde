import type { z } from 'zod';

/** Who may call: `public` needs no login, the others at least that role. */
export type Access = 'public' | 'viewer' | 'operator' | 'admin';

/**
 * One REST route below `/api/v1`. The fleet's router, the OpenAPI document, the access matrix and the clients of the CLI and the
 * dashboard are all derived from these declarations.
 */
export interface Endpoint {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With `{name}` for parameters. */
  path: string;
  access: Access;
  /** Open to API tokens of whatever scope. */
  anyScope?: boolean;
  /** Whether a request changes anything that lasts; by default, if it is no GET. What changes something leaves an audit entry. */
  changes?: boolean;
  /** Groups the documentation, and the scopes of API tokens. */
  tag: string;
  summary: string;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** The body is raw bytes of any content type instead of JSON. */
  rawBody?: boolean;
  response: z.ZodType;
}

export type QueryOf<E extends Endpoint> = E extends { query: infer Query extends z.ZodType } ? z.input<Query> : Record<string, never>;
export type BodyOf<E extends Endpoint> = E extends { body: infer Body extends z.ZodType } ? z.input<Body> : undefined;
export type ResponseOf<E extends Endpoint> = z.output<E['response']>;

/** Names of the parameters in a path. */
export type PathParams<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | PathParams<Rest> : never;
