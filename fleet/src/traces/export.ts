import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, tracesRecordSchema } from '@starling/shared';
import type { Log } from '../ports.ts';
import { type DeviceTraces, toOtlp } from './otlp.ts';

/** Sends traces to a collector. What it does not take within some tries is let go: traces are for looking, not for counting. */
export interface TraceExport {
  /** Records that were stored. */
  add(rows: readonly { device: string; kind: string; payload: unknown }[]): void;
  counters(): { sent: number; dropped: number; failures: number };
  /** Sends what is left, but waits no longer than some seconds. */
  close(): Promise<void>;
}

export interface TraceExportOptions {
  /** Address of the collector, without `/v1/traces`. */
  endpoint: string;
  /** `name=value`, separated by commas. */
  headers: string | undefined;
  version: string;
  log: Log;
}

/** Traces that share a request: those of this long. */
const GATHER_MS = 500;
/** Traces in a request, and those that may wait for a collector that is slow or away. */
const REQUEST_TRACES = 256;
const WAITING_TRACES_MAXIMUM = 4096;
const TRIES_MAXIMUM = 5;
const FIRST_RETRY_MS = 500;
const REQUEST_TIMEOUT_MS = 10_000;
const CLOSE_WAIT_MS = 3_000;
/** The OTLP specification has these tried again, and no others. */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export function createTraceExport({ endpoint, headers, version, log }: TraceExportOptions): TraceExport {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const sent = { sent: 0, dropped: 0, failures: 0 };
  const waiting: DeviceTraces[] = [];
  const closing = new AbortController();
  let waitingTraces = 0;
  let working: Promise<void> | undefined;
  let isFailing = false;

  const take = (): DeviceTraces[] => {
    const taken: DeviceTraces[] = [];
    for (let count = 0; count < REQUEST_TRACES && waiting.length > 0; ) {
      const next = waiting.shift() as DeviceTraces;
      count += next.traces.length;
      taken.push(next);
    }
    waitingTraces -= countOf(taken);
    return taken;
  };
  const request = async (body: string): Promise<'done' | 'again' | 'refused'> => {
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...readHeaders(headers) },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      await answer.body?.cancel();
      if (answer.ok) return 'done';
      fails(`it answered ${answer.status}`);
      return retryable.has(answer.status) ? 'again' : 'refused';
    } catch (error) {
      fails(messageOf(error));
      return 'again';
    }
  };
  const fails = (reason: string): void => {
    sent.failures += 1;
    // Said once, not for every request to a collector that is away.
    if (!isFailing) log.warn({ url, reason }, 'the collector does not take traces');
    isFailing = true;
  };
  const send = async (told: DeviceTraces[]): Promise<void> => {
    const body = JSON.stringify(toOtlp(told, version));
    for (let tries = 1; tries <= TRIES_MAXIMUM; tries += 1) {
      const outcome = await request(body);
      if (outcome === 'done') {
        if (isFailing) log.info({ url }, 'the collector takes traces again');
        isFailing = false;
        sent.sent += countOf(told);
        return;
      }
      if (outcome === 'refused' || closing.signal.aborted) break;
      if (tries < TRIES_MAXIMUM) await pause(FIRST_RETRY_MS * 2 ** (tries - 1), closing.signal);
    }
    sent.dropped += countOf(told);
  };
  const work = async (): Promise<void> => {
    await pause(GATHER_MS, closing.signal);
    while (waiting.length > 0) await send(take());
  };
  return {
    add(rows) {
      for (const { device, kind, payload } of rows) {
        const record = kind === 'traces' ? tracesRecordSchema.safeParse(payload).data : undefined;
        if (record === undefined) continue;
        waiting.push({ device, traces: record.traces });
        waitingTraces += record.traces.length;
      }
      while (waitingTraces > WAITING_TRACES_MAXIMUM) {
        const oldest = waiting.shift();
        if (oldest === undefined) break;
        waitingTraces -= oldest.traces.length;
        sent.dropped += oldest.traces.length;
      }
      if (waiting.length === 0 || working !== undefined) return;
      working = work().finally(() => {
        working = undefined;
      });
    },
    counters: () => ({ ...sent }),
    async close() {
      closing.abort();
      await Promise.race([working, sleep(CLOSE_WAIT_MS, undefined, { ref: false })]);
    },
  };
}

function countOf(told: readonly DeviceTraces[]): number {
  return told.reduce((sum, { traces }) => sum + traces.length, 0);
}

function readHeaders(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split(',').filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    }),
  );
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
