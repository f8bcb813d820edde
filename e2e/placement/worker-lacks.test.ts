import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { api, type ReleaseView, type RolloutDetail, type RolloutTargetView } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStarling } from '../cli/starling.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { until } from '../harness/running-fleet.ts';
import { type Machines, startMachines, work } from './two-machines.ts';

const TIMEOUT_MS = 700_000;
const PHASE_MS = 150_000;

let machines: Machines;
let [old, fresh]: ReleaseView[] = [];
let worker: AgentProcess;
let home: AgentProcess;

beforeAll(async () => {
  machines = await startMachines();
  old = await machines.release('machines-1');
  const nodes = { ...work.nodes, twice: { op: 'value.compute', params: { inputs: ['value'], give: 'value.x * 3' }, on: 'cloud' as const } };
  await machines.fleet.operator.pushPipeline({ ...work, version: '2.0.0', nodes });
  fresh = await machines.release('machines-2');
  worker = await machines.start('worker', old, { place: 'cloud' });
  home = await machines.start('home', old, { kind: 'home' });
  await machines.untilWorksFor(worker.ready.device, home.ready.device);
}, TIMEOUT_MS);
afterAll(async () => {
  await machines?.fleet.stop();
});

const show = (name: string): Promise<RolloutDetail> => machines.fleet.client.call(api.showRollout, { params: { id: name } });
const targets = async (name: string): Promise<RolloutTargetView[]> =>
  (await machines.fleet.client.call(api.listRolloutTargets, { params: { id: name }, query: {} })).items;
const state = async (name: string): Promise<string> =>
  JSON.stringify([await show(name), await targets(name), (await machines.fleet.device(worker.ready.device)).reported?.helps]);
const create = (name: string, deviceTimeout: string): Promise<RolloutDetail> =>
  machines.fleet.client.call(api.createRollout, {
    body: {
      spec: {
        ...{ name, release: fresh?.name ?? '', selector: 'labels.kind == "home"', canary: { count: 0 }, steps: [{ setPercent: 100 }] },
        ...{ deviceTimeout, failureThresholds: [], onFailure: 'pause' },
      },
    },
  });
const failed = async (name: string): Promise<RolloutTargetView> => {
  await until(
    `${name} is over`,
    async () => (await show(name)).state === 'paused',
    PHASE_MS,
    () => state(name),
  );
  expect((await show(name)).counts).toMatchObject({ failed: 1, waiting: 0, assigned: 0 });
  const [target] = await targets(name);
  return target ?? expect.unreachable();
};
const posted = async (): Promise<unknown> => (await machines.post(home, 'work', { x: 5 })).body.outputs?.y;
const stop = (name: string): Promise<unknown> =>
  machines.fleet.client.call(api.actOnRollout, { params: { id: name }, body: { action: 'abort' } });

test('homes whose worker cannot have the new parts fail in time, are told why, and go on with what they have', {
  timeout: TIMEOUT_MS,
}, async () => {
  // What the new parts are described by is not to be had.
  const { digest } = fresh?.document.alongside.find(({ name }) => name === 'work') ?? expect.unreachable();
  const folder = join(machines.fleet.folder, 'fleet', 'blobs', 'chunks', digest.slice(0, 2));
  const stored = (await readdir(folder)).find((name) => name.startsWith(digest)) ?? expect.unreachable();
  const away = join(machines.fleet.folder, stored);
  await rename(join(folder, stored), away);
  await create('lacking', '45s');
  const lacking = await failed('lacking');
  expect(lacking).toMatchObject({ state: 'failed', failureKind: 'refused', code: 'worker-not-ready' });
  const why = `${(await machines.fleet.device(worker.ready.device)).name} works for it, and does not run the parts of machines-2:`;
  expect(lacking.message).toMatch(/\(chunk-missing\)$/);
  expect(lacking.message).toContain(`not within 45s: ${why}`);
  const environment = { STARLING_FLEET: machines.fleet.baseUrl, STARLING_TOKEN: machines.fleet.token };
  const shown = await createStarling(machines.fleet.folder, machines.fleet.folder).run(['rollout', 'show', 'lacking', '--timeline'], {
    environment,
  });
  expect(shown.stdout).toContain(`1 devices failed: not within 45s: ${why}`);
  expect(await posted()).toBe(10);
  await stop('lacking');

  // It is there again, but the worker is not.
  await rename(away, join(folder, stored));
  await worker.kill();
  await create('alone', '15s');
  expect((await failed('alone')).message).toContain(`${why} it was last heard at 20`);
  await stop('alone');

  worker = await machines.fleet.startAgent('worker');
  await create('whole', '2m');
  const isDone = async (): Promise<boolean> => (await show('whole')).counts.succeeded === 1;
  await until('the home is moved', isDone, PHASE_MS, () => state('whole'));
  await until('its items are worked by the new parts', async () => (await posted()) === 15, PHASE_MS);
});
