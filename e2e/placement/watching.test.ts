import { setTimeout as pause } from 'node:timers/promises';
import { api, type TapOptions, type TapView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentProcess } from '../harness/processes.ts';
import { readTap } from '../taps/read-tap.ts';
import { type Machines, startMachines } from './two-machines.ts';

const TIMEOUT_MS = 180_000;

describe('a pipeline on several machines, looked at', { timeout: TIMEOUT_MS }, () => {
  let machines: Machines;
  let home: AgentProcess;
  let other: AgentProcess;
  let worker: AgentProcess;

  beforeAll(async () => {
    machines = await startMachines();
    const release = await machines.release('machines-1');
    home = await machines.start('home', release);
    other = await machines.start('other', release);
    worker = await machines.start('worker', release, { place: 'cloud' });
    await machines.untilWorksFor(worker.ready.device, home.ready.device);
    await machines.untilWorksFor(worker.ready.device, other.ready.device);
  }, TIMEOUT_MS);
  afterAll(() => machines?.fleet.stop());

  const tap = (edges: string[], options: Partial<TapOptions> = {}): Promise<TapView> =>
    machines.fleet.client.call(api.startTap, {
      params: { id: home.ready.device },
      body: { edges, pipeline: 'deep', maximumPerSecond: 30, ...options },
    });

  test('shows at home what passes inside of a part, and nothing of other devices', async () => {
    // Its stream has to be there already, or to come later: both are watched.
    expect((await machines.post(other, 'deep', { x: 100 })).body.outputs).toEqual({ y: 2010 });
    const view = await tap(['first.value']);
    expect(view).toMatchObject({ device: home.ready.device, at: worker.ready.device, edges: ['first.value'] });
    const reader = await readTap(machines.fleet, view);
    for (const x of [1, 2]) {
      // Slower than the tap shows at most.
      await pause(100);
      await machines.post(other, 'deep', { x: 100 + x });
      expect((await machines.post(home, 'deep', { x })).body.outputs).toEqual({ y: (2 * x + 1) * 10 });
    }
    await reader.until('the second value', ({ value }) => value?.kind === 'json' && JSON.stringify(value.value) === '{"doubled":4}');
    const seen = reader.values.flatMap(({ value }) => (value?.kind === 'json' ? [value.value] : []));
    expect(seen).toEqual([{ doubled: 2 }, { doubled: 4 }]);
    const { items } = await machines.fleet.client.call(api.listTaps, { params: { id: worker.ready.device } });
    expect(items).toMatchObject([{ id: view.id, viewers: 1 }]);
    await machines.fleet.client.call(api.stopTap, { params: { id: home.ready.device, tap: view.id } });
    await reader.ended;
    expect(reader.values.at(-1)).toMatchObject({ end: 'stopped', counts: { seen: 2 } });
  });

  test('keeps inside what the policy keeps, and watches one machine at a time', async () => {
    await expect(tap(['second.value'])).rejects.toMatchObject({
      ...{ code: 'egress-refused', hint: expect.stringContaining('"deep:second.value"') },
    });
    await expect(tap(['deep-in.json', 'first.value'])).rejects.toMatchObject({ code: 'edges-apart', field: 'edges.1' });
    expect(await tap(['deep-in.json'])).toMatchObject({ at: home.ready.device });
  });

  test('is replayed with every edge of every part', async () => {
    await machines.post(home, 'deep', { x: 5 });
    const ask = (edges?: string) =>
      machines.fleet.client.call(api.replayOnDevice, {
        params: { id: home.ready.device },
        query: { of: 'last', pipeline: 'deep', ...(edges === undefined ? {} : { edges }) } as never,
      });
    const { result, values } = await ask();
    const states = Object.fromEntries(result.edges.map(({ edge, state }) => [edge, state]));
    expect(states).toEqual({
      ...{ 'deep-in.json': 'sent', 'first.value': 'sent', 'second.value': 'refused', 'hidden.value': 'refused', 'last.value': 'sent' },
    });
    const value = (edge: string) => values.find((each) => each.edge === edge)?.value;
    expect(value('first.value')).toEqual({ kind: 'json', value: { doubled: 10 } });
    expect(value('last.value')).toEqual({ kind: 'json', value: 110 });
    expect(Object.keys(result.nodesMs)).toEqual(expect.arrayContaining(['first', 'second', 'hidden', 'last']));
    const one = await ask('first.value');
    expect(one.result.edges).toEqual([{ edge: 'first.value', state: 'sent' }]);
    expect(one.values.map(({ edge }) => edge)).toEqual(['first.value']);
  });

  test('that fails inside of a part shows in a replay how far it came', async () => {
    await machines.post(home, 'deep', {});
    const { result, values } = await machines.fleet.client.call(api.replayOnDevice, {
      params: { id: home.ready.device },
      query: { of: 'last', pipeline: 'deep' } as never,
    });
    expect(result.failure?.field ?? result.failure?.message).toContain('first');
    expect(values.map(({ edge }) => edge)).toContain('deep-in.json');
    expect(result.edges).toContainEqual({ edge: 'first.value', state: 'absent' });
  });
});
