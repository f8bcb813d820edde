import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { analysisSpecSchema } from '@starling/shared';
import { expect, test } from 'vitest';
import { createWebhooks } from './analysis/index.ts';
import { createEventBus } from './events.ts';
import { judgeRollouts, tellOfRollouts } from './rollout-analysis.ts';

test('those who have to agree before a rollout begins are asked, and nobody else', async () => {
  const asked: string[] = [];
  let status = 403;
  const server = createServer((request, response) => {
    request.on('data', (piece: Buffer) => asked.push((JSON.parse(String(piece)) as { kind: string }).kind));
    request.on('end', () => response.writeHead(status).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const hooks = [
    { name: 'board', kind: 'confirm-rollout' as const, url },
    { name: 'load-test', kind: 'pre-rollout' as const, url },
  ];
  const spec = analysisSpecSchema.parse({ objectives: [{ name: 'errors', measure: 'error-rate', atMost: '5 %' }], webhooks: hooks });
  const clock = { nowMs: () => 0 };
  const webhooks = createWebhooks({ clock, ids: { next: () => 'a', bytes: () => new Uint8Array() }, secret: 's' });
  const unused = async (): Promise<never> => expect.fail('nothing is judged before the beginning');
  const { objection } = judgeRollouts({ resolve: async () => spec, judge: unused }, webhooks);
  expect(await objection({ id: 'r', name: 'spring' }, spec)).toMatch(/^board does not agree: /);
  status = 204;
  expect(await objection({ id: 'r', name: 'spring' }, spec)).toBeUndefined();
  expect(asked).toEqual(['confirm-rollout', 'confirm-rollout']);
  server.close();
});

const START_MS = 1_000_000;
const all = (['pre-rollout', 'post-rollout', 'rollback', 'event'] as const).map((kind) => ({ name: kind, kind, url: 'http://127.0.0.1/' }));

/** @returns what is told while a rollout goes through these states, of which each is shown as it is by then */
async function toldOf(states: readonly [state: string, atMs: number][]): Promise<string[]> {
  const spec = analysisSpecSchema.parse({ objectives: [{ name: 'errors', measure: 'error-rate', atMost: '5 %' }], webhooks: all });
  const events = createEventBus();
  const told: string[] = [];
  let state = '';
  const show = async () => ({ name: 'spring', state, startedAtMs: state === 'scheduled' ? null : START_MS, spec: { analysis: spec } });
  const webhooks = { call: async ({ kind }: { kind: string }) => told.push(kind) };
  const log = { warn: (detail: object) => expect.fail(JSON.stringify(detail)) };
  const stop = tellOfRollouts(events, { show } as never, { resolve: async () => spec }, { webhooks, log } as never);
  for (const [next, atMs] of states) {
    state = next;
    events.publish({ type: 'rollout', id: 'r', atMs, detail: { state } });
    await new Promise((resolve) => setImmediate(resolve));
  }
  stop();
  return told.filter((kind) => kind !== 'event');
}

test.each<[string, [string, number][], string[]]>([
  [
    'from its plan to its end',
    [
      ['scheduled', 0],
      ['running', START_MS],
      ['succeeded', START_MS + 60_000],
    ],
    ['pre-rollout', 'post-rollout'],
  ],
  [
    'that began before anybody looked',
    [
      ['running', START_MS + 5],
      ['succeeded', START_MS + 60_000],
    ],
    ['pre-rollout', 'post-rollout'],
  ],
  [
    'that goes on after a pause',
    [
      ['scheduled', 0],
      ['running', START_MS],
      ['paused', START_MS + 1],
      ['running', START_MS + 2],
    ],
    ['pre-rollout'],
  ],
  [
    'that goes on in a process that has not seen it',
    [
      ['running', START_MS + 60_000],
      ['rolling-back', START_MS + 70_000],
    ],
    ['rollback'],
  ],
])('of a rollout %s, its beginning is told once and its end as it is', async (_which, states, expected) => {
  expect(await toldOf(states)).toEqual(expected);
});
