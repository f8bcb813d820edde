import { kill } from 'node:process';
import type { ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentProcess } from '../harness/processes.ts';
import { until } from '../harness/running-fleet.ts';
import { inParallel, type Machines, STREAMS, startMachines } from './two-machines.ts';

const TIMEOUT_MS = 300_000;

describe('a pipeline on several machines', { timeout: TIMEOUT_MS }, () => {
  let machines: Machines;
  let release: ReleaseView;
  let home: AgentProcess;
  let worker: AgentProcess;

  const count = async (from: AgentProcess, x: number): Promise<unknown> => (await machines.post(from, 'counts', { x })).body.outputs?.y;

  beforeAll(async () => {
    machines = await startMachines();
    release = await machines.release('machines-1');
    home = await machines.start('home', release);
  }, TIMEOUT_MS);
  afterAll(() => machines?.fleet.stop());

  test('is not released while its policy keeps what has to travel, and says what', async () => {
    const kept = STREAMS.filter((port) => port !== 'sum.total' && port !== 'work:twice.value');
    await expect(machines.release('machines-2', kept)).rejects.toMatchObject({
      ...{ code: 'stream-not-allowed', field: 'policies.egress.streams' },
      hint: expect.stringContaining('--allow-stream sum.total --allow-stream work:twice.value'),
    });
    await expect(machines.release('machines-2', [...STREAMS, 'check.other'])).rejects.toMatchObject({ code: 'unknown-stream' });
  });

  test('runs without anybody at the other place, where only what needs it fails', async () => {
    await machines.untilWorksFor(null, home.ready.device);
    const { body } = await machines.post(home, 'ways', { x: 1 });
    expect(body.outputs).toEqual({ here: 2, why: expect.objectContaining({ code: 'place-unreachable', node: 'far' }) });
  });

  test('gives what it gives on one machine, as soon as a device has the label of the place', async () => {
    worker = await machines.start('worker', release, { place: 'cloud' });
    await machines.untilWorksFor(worker.ready.device, home.ready.device);
    for (const [index, sum] of [1, 3, 6].entries()) expect(await count(home, index + 1)).toEqual({ x: index + 1, count: index + 1, sum });
    expect((await machines.post(home, 'ways', { x: 1 })).body.outputs).toEqual({ here: 2, there: 3 });
    expect(await machines.post(worker, 'counts', { x: 1 })).toMatchObject({ status: 404 });
  });

  test('keeps what it knows of each device for that one alone', async () => {
    const other = await machines.start('other', release);
    await machines.untilWorksFor(worker.ready.device, other.ready.device);
    expect(await count(other, 10)).toEqual({ x: 10, count: 1, sum: 10 });
    expect(await count(home, 4)).toEqual({ x: 4, count: 4, sum: 10 });
    await other.stop();
  });

  test('counts each item once, in order, over messages that are lost and connections that are cut', async () => {
    const { tap } = machines.fleet;
    let seen = 0;
    let lost = 0;
    tap.onPublish(({ topic }) => {
      if (!topic.includes('/stream/')) return undefined;
      seen += 1;
      if (seen % 5 !== 0 || lost >= 6) return undefined;
      lost += 1;
      return false;
    });
    for (let item = 5; item <= 40; item += 1) {
      const counted = count(home, 0);
      if (item === 20) {
        tap.cut();
        setTimeout(() => tap.mend(), 1_500);
      }
      expect(await counted).toEqual({ x: 0, count: item, sum: 10 });
    }
    expect(lost).toBe(6);
  });

  test('loses and doubles nothing of 200 items when the worker is killed among them', async () => {
    let answered = 0;
    const sent = inParallel(200, 4, async (x) => {
      const answer = await machines.post(home, 'work', { x });
      answered += 1;
      return answer;
    });
    await until('some are answered', () => answered >= 50);
    await worker.kill();
    worker = await machines.fleet.startAgent('worker');
    const answers = await sent;
    expect(answers.map(({ body }) => body.outputs?.y)).toEqual(Array.from({ length: 200 }, (_, x) => x * 2));
    await until('all are written', async () => (await machines.written('home')).length >= 200);
    expect((await machines.written('home')).sort((left, right) => left - right)).toEqual(Array.from({ length: 200 }, (_, x) => x * 2));
  });

  test('gives up only what waits for a worker that hangs, and goes on when it is back', async () => {
    kill(worker.pid, 'SIGSTOP');
    try {
      const { body } = await machines.post(home, 'ways', { x: 5 });
      expect(body.outputs).toEqual({ here: 6, why: expect.objectContaining({ code: 'place-unreachable', node: 'far' }) });
    } finally {
      kill(worker.pid, 'SIGCONT');
    }
    await until('it answers again', async () => (await machines.post(home, 'ways', { x: 5 })).body.outputs?.there === 7);
  });

  test('moves to another worker when its own stays away, and back to nobody when nobody is left', async () => {
    const second = await machines.start('second', release, { place: 'cloud' });
    const { device } = worker.ready;
    // Nothing moves while its own is there.
    expect((await machines.fleet.device(home.ready.device)).desired?.placement[0]?.worker?.id).toBe(device);
    await worker.kill();
    const under = machines.post(home, 'work', { x: 1000 });
    await machines.untilWorksFor(second.ready.device, home.ready.device);
    expect((await machines.post(home, 'work', { x: 7 })).body.outputs).toEqual({ y: 14 });
    await under;
    await machines.label(second.ready.device, {});
    await machines.untilWorksFor(device, home.ready.device);
  });
});
