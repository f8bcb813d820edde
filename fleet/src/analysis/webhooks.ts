import { createHmac } from 'node:crypto';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { messageOf, type Webhook, type WebhookKind } from '@starling/shared';
import type { Clock, Ids } from '../ports.ts';

export interface WebhookCall {
  kind: WebhookKind;
  rollout: { id: string; name: string };
  /** Where the rollout stands, in its own words. */
  phase: string;
  metadata?: Record<string, string>;
}

export interface WebhookAnswer {
  accepted: boolean;
  /** Null where nobody answered. */
  status: number | null;
  /** One sentence. */
  reason: string;
  attempts: number;
}

export interface Webhooks {
  /** Tells somebody else's server, and hears whether it agrees. Never throws: what goes wrong is an answer. */
  call(hook: Webhook, call: WebhookCall, signal?: AbortSignal): Promise<WebhookAnswer>;
}

/** Pauses before further tries; the last holds for all that follow. */
const RETRY_DELAYS_MS = [500, 2_000, 5_000];
/** Of an answer nothing but its status is wanted; one that never ends is cut off. */
const ANSWER_BYTES_MAXIMUM = 64 * 1024;

interface WebhookPorts {
  clock: Clock;
  ids: Ids;
  /** Signs every call. */
  secret: string;
  /** Waits between tries. */
  pause?: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>;
}

/**
 * Posts JSON. `Idempotency-Key` names the call: a further try has the same one. `Starling-Signature` is `v1=` and the HMAC-SHA256, in
 * hex, over `Starling-Timestamp`, a dot and the body, as agents sign theirs; the timestamp is of the try, so that a call cannot be
 * replayed later.
 */
export function createWebhooks({ clock, ids, secret, pause = pauseFor }: WebhookPorts): Webhooks {
  return {
    async call(hook, { kind, rollout, phase, metadata = {} }, signal) {
      const body = Buffer.from(JSON.stringify({ kind, rollout, phase, metadata: { ...hook.metadata, ...metadata }, atMs: clock.nowMs() }));
      const key = ids.next();
      for (let attempt = 1; ; attempt += 1) {
        const answer = await post(hook, body, headersFor(body, key, secret, clock), signal);
        if (answer.status !== null && answer.status < 500 && answer.status !== 429) return { ...answer, attempts: attempt };
        if (attempt > hook.retries || signal?.aborted === true) return { ...answer, attempts: attempt };
        await pause(RETRY_DELAYS_MS[Math.min(attempt, RETRY_DELAYS_MS.length) - 1] as number, signal);
      }
    },
  };
}

function headersFor(body: Buffer, key: string, secret: string, clock: Clock): Record<string, string> {
  const timestamp = String(Math.floor(clock.nowMs() / 1000));
  const digest = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
  return {
    'content-type': 'application/json',
    'content-length': String(body.length),
    'user-agent': 'starling-fleet',
    'idempotency-key': key,
    'starling-timestamp': timestamp,
    'starling-signature': `v1=${digest}`,
  };
}

/** One request, without following where an answer leads: a signed call goes to the address that was named, and nowhere else. */
async function post(
  { name, url, timeoutMs }: Webhook,
  body: Buffer,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Omit<WebhookAnswer, 'attempts'>> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const status = await new Promise<number>((resolve, reject) => {
      const start = url.startsWith('https:') ? requestHttps : requestHttp;
      const call = start(url, { method: 'POST', headers, signal: either }, (response: IncomingMessage) => {
        let received = 0;
        response.on('data', (piece: Buffer) => {
          received += piece.length;
          if (received > ANSWER_BYTES_MAXIMUM) response.destroy();
        });
        response.on('error', () => undefined);
        resolve(response.statusCode ?? 0);
      });
      call.on('error', reject);
      call.end(body);
    });
    const accepted = status >= 200 && status < 300;
    return { accepted, status, reason: accepted ? `${name} agrees` : `${name} answered ${status}` };
  } catch (error) {
    if (timeout.aborted) return { accepted: false, status: null, reason: `${name} did not answer within ${timeoutMs} ms` };
    const why = (error as { code?: string }).code ?? messageOf(error);
    return { accepted: false, status: null, reason: `${name} cannot be reached: ${why}` };
  }
}

function pauseFor(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
