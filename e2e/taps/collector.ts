/** A stand-in for an OpenTelemetry collector: takes OTLP over HTTP in its JSON form, and only what is spelled as the protocol says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const anyValueSchema = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  // 64-bit integers are decimal texts in the JSON form of protobuf.
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ doubleValue: z.number() }),
]);
const attributesSchema = z.array(z.strictObject({ key: z.string().min(1), value: anyValueSchema }));
const nanosecondsSchema = z.string().regex(/^\d{19}$/);

/** `Span` of opentelemetry-proto, trace/v1; ids are hex in JSON (OTLP specification 1.x, "JSON Protobuf Encoding"). */
const otlpSpanSchema = z
  .strictObject({
    traceId: z.string().regex(/^(?!0{32})[0-9a-f]{32}$/),
    spanId: z.string().regex(/^(?!0{16})[0-9a-f]{16}$/),
    traceState: z.string().optional(),
    parentSpanId: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .optional(),
    flags: z.number().int().nonnegative().optional(),
    name: z.string().min(1),
    kind: z.number().int().min(1).max(5),
    startTimeUnixNano: nanosecondsSchema,
    endTimeUnixNano: nanosecondsSchema,
    attributes: attributesSchema,
    droppedAttributesCount: z.number().int().nonnegative().optional(),
    status: z.strictObject({ code: z.number().int().min(0).max(2), message: z.string().optional() }),
  })
  .refine((span) => BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), 'a span ends where it starts or later');
export type OtlpSpan = z.infer<typeof otlpSpanSchema>;

const requestSchema = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes: attributesSchema, droppedAttributesCount: z.number().optional() }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string().optional() }),
          spans: z.array(otlpSpanSchema),
          schemaUrl: z.string().optional(),
        }),
      ),
      schemaUrl: z.string().optional(),
    }),
  ),
});

export interface CollectedSpan extends OtlpSpan {
  resource: Record<string, unknown>;
}

export interface Collector {
  endpoint: string;
  spans: CollectedSpan[];
  /** What was refused, with the reason. */
  refused: string[];
  requests: { authorization: string | undefined }[];
  /** Answers the next so many requests with this status. */
  failNext(status: number, times: number): void;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const refused: string[] = [];
  const requests: Collector['requests'] = [];
  let failures = { status: 503, left: 0 };
  const take = (text: string): void => {
    const { resourceSpans } = requestSchema.parse(JSON.parse(text));
    for (const { resource, scopeSpans } of resourceSpans) {
      const about = Object.fromEntries(resource.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
      for (const scoped of scopeSpans) spans.push(...scoped.spans.map((span) => ({ ...span, resource: about })));
    }
  };
  const server = createServer(async (request, answer) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { method, url, headers } = request;
    requests.push({ authorization: headers.authorization });
    if (failures.left > 0) {
      failures.left -= 1;
      answer.writeHead(failures.status).end();
      return;
    }
    try {
      if (method !== 'POST' || url !== '/v1/traces' || headers['content-type'] !== 'application/json') throw new Error(`${method} ${url}`);
      take(Buffer.concat(pieces).toString('utf8'));
      answer.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    } catch (error) {
      refused.push(String(error));
      answer.writeHead(400).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...{ spans, refused, requests, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    failNext(status, times) {
      failures = { status, left: times };
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
