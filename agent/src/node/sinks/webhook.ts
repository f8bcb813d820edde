import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { messageOf, type SinkParams, StarlingError } from '@starling/shared';
import { type Credential, withoutSecrets } from '../credentials.ts';
import { post } from './post.ts';
import type { OpenSink, SinkPorts } from './sink.ts';
import type { SpoolEntry } from './spool.ts';
import { createSpooledSink } from './spooled.ts';
import { jsonOf, jsonTextOf } from './values.ts';

type Params = SinkParams<'webhook'>;

/** Answers that no repetition will change: something is wrong with this very value. All others may be put right at the other side. */
const FINAL_STATUS = new Set([400, 410, 413, 414, 415, 422, 431, 501]);
const HOUR_MS = 3_600_000;

/**
 * Posts each value as JSON, in order, until it was taken. `Idempotency-Key` names the value: whoever sees a key twice, as after a crash,
 * has that value already. `Starling-Signature` is `v1=` and the HMAC-SHA256, in hex, over `Starling-Timestamp`, a dot and the body.
 */
export const openWebhook: OpenSink<Params> = (params, { node, pipeline }, ports) => {
  const { spoolMegabytes, retryDelayMs, retryDelayMaximumMs } = params;
  return createSpooledSink(
    {
      ...{ node, spoolMegabytes, retryDelayMs, retryDelayMaximumMs, store: `webhook-${pipeline}-${node}` },
      maximumAgeMs: params.maximumAgeHours * HOUR_MS,
      async pack({ value, image }, item) {
        const picture = image === undefined ? {} : { image: await jsonOf(image, ports.encode) };
        const content = { device: ports.device, pipeline, node, ...item, value: await jsonOf(value, ports.encode), ...picture };
        return { to: '', body: new TextEncoder().encode(await jsonTextOf(content, ports.encode)) };
      },
      send: (entry, signal) => send(entry, params, ports, signal),
    },
    ports,
  );
};

/** @throws StarlingError `webhook-timed-out`, `webhook-unreachable`, `webhook-refused`, `unknown-credentials` */
async function send({ key, body }: SpoolEntry, params: Params, ports: SinkPorts, signal: AbortSignal): Promise<void> {
  const login = params.credentials === undefined ? undefined : await ports.credentials.find(params.credentials);
  const timeout = AbortSignal.timeout(params.timeoutMs);
  const headers = {
    'content-type': 'application/json',
    'content-length': String(body.length),
    'idempotency-key': key,
    'user-agent': 'starling-agent',
    ...authorization(login),
    ...(await signature(body, params, ports)),
  };
  const ca = login !== undefined && 'authority' in login && login.authority !== undefined ? await readFile(login.authority) : undefined;
  const answer = await post(params.url, body, { headers, ca, signal: AbortSignal.any([signal, timeout]) }).catch((cause: unknown) => {
    if (timeout.aborted) {
      throw new StarlingError('webhook-timed-out', `${params.url} did not answer within ${params.timeoutMs} ms`, {
        ...{ field: 'timeoutMs', retryable: true, cause },
        hint: 'it is tried again; see what the other side waits for',
      });
    }
    const reason = withoutSecrets((cause as { code?: string }).code ?? messageOf(cause), login);
    throw new StarlingError('webhook-unreachable', `${params.url}: ${reason}`, { field: 'url', retryable: true, cause });
  });
  if (answer.status >= 200 && answer.status < 300) return;
  const isFinal = FINAL_STATUS.has(answer.status);
  throw new StarlingError('webhook-refused', `${params.url} answered ${answer.status}`, {
    field: 'url',
    hint: isFinal ? 'the value was given up; the others go on' : 'it is tried again',
    retryable: !isFinal,
  });
}

function authorization(login: Credential | undefined): Record<string, string> {
  if (login === undefined) return {};
  if ('token' in login) return { authorization: `Bearer ${login.token}` };
  if (!('password' in login)) return {};
  return { authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` };
}

async function signature(
  body: Uint8Array,
  { signature: name }: Params,
  { credentials, clock }: SinkPorts,
): Promise<Record<string, string>> {
  if (name === undefined) return {};
  const found = await credentials.find(name);
  if (!('secret' in found)) {
    throw new StarlingError('unknown-credentials', `the credentials "${name}" have no secret`, { field: 'signature', retryable: true });
  }
  const timestamp = String(Math.floor(clock.wallMs() / 1000));
  const digest = createHmac('sha256', found.secret).update(`${timestamp}.`).update(body).digest('hex');
  return { 'starling-timestamp': timestamp, 'starling-signature': `v1=${digest}` };
}
