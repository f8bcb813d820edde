import { api } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { paintPlain } from '../harness/picture.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

/** Long enough that nothing which comes soon came at its end. */
const WINDOW_MS = 120_000;

let fleet: RunningFleet;
beforeAll(async () => {
  fleet = await startRunningFleet({ 'telemetry-window-ms': `${WINDOW_MS}` });
});
afterAll(() => fleet?.stop());

test('the first figures of a release are there soon after its first item, and one record of them', async () => {
  const release = await publishMapRelease(fleet, mapModel(1, { width: 8, layers: 1 }), 0);
  const agent = await fleet.startAgent('agent', { release });
  const id = agent.ready.device;
  await fleet.untilRunning(id, release);
  const raw = await paintPlain(40, 90, 160, 48);
  await fleet.client.call(api.inferOnDevice, { params: { id }, raw });
  const startedMs = performance.now();
  const [row] = await until('figures', async () => {
    const rows = await fleet.telemetry(id, 'inference');
    return rows.length > 0 && rows;
  });
  expect(performance.now() - startedMs).toBeLessThan(20_000);
  expect(row?.payload).toMatchObject({ release: release.digest, items: 1 });
  // What comes after the first keeps the pace of windows.
  await fleet.client.call(api.inferOnDevice, { params: { id }, raw });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(await fleet.telemetry(id, 'inference')).toHaveLength(1);
});
