import { z } from 'zod';
import { captureArchivePath } from './captures.ts';
import type { Access } from './endpoint.ts';
import type { Scope } from './scopes.ts';
import { tapStreamPath, tapValueViewSchema } from './taps.ts';

/** One GET route below `/api/v1` that answers with a file or a stream instead of JSON, for whoever is signed in. */
export interface FileEndpoint {
  /** With `{name}` for parameters. */
  path: string;
  access: Exclude<Access, 'public'>;
  /** What a scoped API token needs; `all`: a token with scopes is refused, whatever they are. */
  scope: Scope | 'all';
  tag: string;
  summary: string;
  query?: z.ZodObject;
  contentType: string;
  /** What the answer is made of: bytes, if nothing is said. */
  content?: z.ZodType;
}

const text = z.string();

/** Every file and stream that needs a login. Router, OpenAPI document and access matrix are derived from it, as from the table of endpoints. */
export const fileEndpoints = {
  events: {
    path: '/events',
    access: 'viewer',
    scope: 'fleet:read',
    tag: 'fleet',
    contentType: 'text/event-stream',
    content: text,
    summary: 'What changes in the fleet, as server-sent events; a heartbeat every 15 s, without end',
  },
  tapValues: {
    path: tapStreamPath('{id}', '{tap}'),
    access: 'operator',
    scope: 'taps:read',
    tag: 'taps',
    contentType: 'text/event-stream',
    content: tapValueViewSchema,
    summary: 'Values of a tap, as server-sent events, until it ends; a heartbeat every 15 s',
  },
  downloadCapture: {
    path: captureArchivePath('{id}'),
    access: 'operator',
    scope: 'taps:read',
    tag: 'taps',
    contentType: 'application/zip',
    summary: 'Values of a capture, as a zip archive',
  },
  showModelDocument: {
    path: '/models/{digest}/document',
    access: 'operator',
    scope: 'models:read',
    tag: 'models',
    contentType: 'application/jose',
    content: text,
    summary: 'The document of a model version, as its publisher has signed it: a JWS whose SHA-256 is the digest',
  },
  downloadModelSource: {
    path: '/models/{digest}/source',
    access: 'operator',
    scope: 'models:read',
    tag: 'models',
    contentType: 'application/octet-stream',
    summary: 'The ONNX file of a model version, whose digest stands in the document',
  },
  downloadModelAsset: {
    path: '/models/{digest}/assets/{asset}',
    access: 'operator',
    scope: 'models:read',
    tag: 'models',
    contentType: 'application/octet-stream',
    summary: 'A file that belongs to a model version, such as a dictionary; its digest stands in the document',
  },
  exportDevices: {
    path: '/devices.csv',
    access: 'viewer',
    scope: 'devices:read',
    tag: 'devices',
    contentType: 'text/csv',
    content: text,
    summary: 'Devices as CSV, as it is imported again',
    query: z.object({ select: z.string().optional().meta({ description: 'A selector; without it all devices' }) }),
  },
  takeBackup: {
    path: '/backup',
    access: 'admin',
    scope: 'all',
    tag: 'fleet',
    contentType: 'application/gzip',
    summary: "All that the fleet is, the fleet's own keys too, as a compressed archive",
    query: z.object({ telemetry: z.stringbool().default(true).meta({ description: 'With telemetry' }) }),
  },
} as const satisfies Record<string, FileEndpoint>;
