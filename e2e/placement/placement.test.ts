import { api, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentProcess } from '../harness/processes.ts';
import { counting, type Machines, startMachines } from './two-machines.ts';

const SETUP_TIMEOUT_MS = 300_000;

describe('a pipeline on two machines', () => {
  let machines: Machines;
  let release: ReleaseView;
  let home: AgentProcess;
  let worker: AgentProcess;

  beforeAll(async () => {
    machines = await startMachines();
    await machines.fleet.operator.pushPipeline(counting('counts', 'cloud'));
    release = await machines.release('counts-1', 'counts');
    home = await machines.start('home', release);
    worker = await machines.start('worker', release, { place: 'cloud' });
    await machines.untilWorksFor(worker, home);
  }, SETUP_TIMEOUT_MS);
  afterAll(() => machines?.fleet.stop());

  test('gives what it gives on one', async () => {
    const answers: unknown[] = [];
    for (const x of [1, 2, 3]) answers.push((await machines.post(home, 'counts', { x })).body);
    expect(answers).toMatchObject([1, 3, 6].map((sum, index) => ({ outputs: { y: { count: index + 1, sum } } })));
  });
});
