import type { ItemTrace, Span } from '@starling/shared';

/** Traces of one device, as they were told. */
export interface DeviceTraces {
  device: string;
  traces: readonly ItemTrace[];
}

type AnyValue = { stringValue: string } | { intValue: string } | { doubleValue: number } | { boolValue: boolean };
interface KeyValue {
  key: string;
  value: AnyValue;
}

type Attributes = Record<string, string | number | boolean>;

/** The body of a request to `/v1/traces`: OTLP 1.x in its JSON form (opentelemetry-proto, `ExportTraceServiceRequest`). */
export interface ExportRequest {
  resourceSpans: {
    resource: { attributes: KeyValue[] };
    scopeSpans: { scope: { name: string; version: string }; spans: OtlpSpan[] }[];
  }[];
}

interface OtlpSpan {
  /** Hex in JSON, unlike all other bytes (OTLP specification, "JSON Protobuf Encoding"). */
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  /** Nanoseconds since 1970; 64-bit integers are decimal texts in JSON. */
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: KeyValue[];
  droppedAttributesCount: number;
  status: { code: number; message?: string };
}

const kinds: Readonly<Record<Span['kind'], number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;

/** One resource for each device, one scope for what its agents record. */
export function toOtlp(told: readonly DeviceTraces[], version: string): ExportRequest {
  const byDevice = new Map<string, ItemTrace[]>();
  for (const { device, traces } of told) byDevice.set(device, [...(byDevice.get(device) ?? []), ...traces]);
  return {
    resourceSpans: [...byDevice].map(([device, traces]) => ({
      resource: {
        attributes: attributesOf({ 'service.name': 'starling-agent', 'service.instance.id': device, 'starling.device': device }),
      },
      scopeSpans: [{ scope: { name: 'starling', version }, spans: traces.flatMap(spansOf) }],
    })),
  };
}

function spansOf({ traceId, pipeline, release, stream, sequence, spans, spansLeftOut }: ItemTrace): OtlpSpan[] {
  return spans.map((span, index) => {
    const attributes: Attributes = { 'starling.pipeline': pipeline, ...span.attributes };
    if (index === 0) Object.assign(attributes, { 'starling.release': release, 'starling.stream': stream });
    if (index === 0 && sequence !== null) attributes['starling.sequence'] = sequence;
    if (index === 0 && spansLeftOut > 0) attributes['starling.spans_left_out'] = spansLeftOut;
    if (span.error !== undefined) attributes['error.type'] = span.error.code;
    return {
      traceId,
      spanId: span.spanId,
      ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
      name: span.name,
      kind: kinds[span.kind],
      startTimeUnixNano: nanoseconds(span.startMs),
      endTimeUnixNano: nanoseconds(span.startMs + span.durationMs),
      attributes: attributesOf(attributes),
      droppedAttributesCount: 0,
      status: span.error === undefined ? { code: STATUS_UNSET } : { code: STATUS_ERROR, message: span.error.message },
    };
  });
}

/** A double holds a quarter of a microsecond today; nanoseconds would promise more. */
function nanoseconds(ms: number): string {
  return (BigInt(Math.round(ms * 1000)) * 1000n).toString();
}

function attributesOf(attributes: Readonly<Attributes>): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number | boolean): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
