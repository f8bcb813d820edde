import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { analysisSpecSchema } from '@starling/shared';
import { expect, test } from 'vitest';
import { createWebhooks } from './analysis/index.ts';
import { judgeRollouts } from './rollout-analysis.ts';

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
