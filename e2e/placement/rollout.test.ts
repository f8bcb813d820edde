import { api, type DeviceView, type ReleaseView, type RolloutDetail, type RolloutSpecInput } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling } from '../cli/starling.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { until } from '../harness/running-fleet.ts';
import { type Machines, startMachines, work } from './two-machines.ts';

type RolloutStepInput = NonNullable<RolloutSpecInput['steps']>[number];

const TIMEOUT_MS = 420_000;
const PHASE_MS = 120_000;

/** The same, but that what the worker gives tells which release it was: 2x of the old one, 2x + 0.5 of the new one. */
const workAgain = {
  ...work,
  version: '2.0.0',
  nodes: { ...work.nodes, twice: { op: 'value.compute', params: { inputs: ['value'], give: 'value.x * 2 + 0.5' }, on: 'cloud' as const } },
};

/** Whether it waits for a person, with so many devices moved. */
const waitsWith =
  (moved: number) =>
  ({ waiting, counts }: RolloutDetail): boolean =>
    waiting?.kind === 'person' && counts.succeeded === moved;

/** Posts items to a home all the time, one after the other. */
function startItems(machines: Machines, home: AgentProcess) {
  const answers: { x: number; y: unknown }[] = [];
  let isOver = false;
  const working = (async () => {
    for (let x = 0; !isOver; x += 1) {
      const { status, body } = await machines.post(home, 'work', { x });
      answers.push({ x, y: status === 200 ? body.outputs?.y : JSON.stringify(body) });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    answers,
    /** Answers that come from now on. */
    async next(count: number): Promise<unknown[]> {
      const from = answers.length + 1;
      await until(`${count} answers`, () => answers.length >= from + count, 60_000);
      return answers.slice(from, from + count).map(({ x, y }) => (typeof y === 'number' ? y - 2 * x : y));
    },
    async stop(): Promise<{ x: number; y: unknown }[]> {
      isOver = true;
      await working;
      return answers;
    },
  };
}

describe('a rollout of a release that runs on several machines', { timeout: TIMEOUT_MS }, () => {
  let machines: Machines;
  let [old, fresh]: ReleaseView[] = [];
  let homes: AgentProcess[];
  let worker: AgentProcess;
  let items: ReturnType<typeof startItems>[];

  const releases = () => ({ old: old as ReleaseView, fresh: fresh as ReleaseView });
  const act = (id: string, action: 'promote' | 'abort' | 'rollback'): Promise<unknown> =>
    machines.fleet.client.call(api.actOnRollout, { params: { id }, body: { action, reason: 'as planned' } });
  const rollout = (id: string, what: string, isSo: (view: RolloutDetail) => boolean): Promise<RolloutDetail> => {
    const show = (): Promise<RolloutDetail> => machines.fleet.client.call(api.showRollout, { params: { id } });
    const targets = async () => (await machines.fleet.client.call(api.listRolloutTargets, { params: { id }, query: {} })).items;
    const state = async (): Promise<string> => JSON.stringify([await show(), await targets(), await view(worker)]);
    return until(what, async () => ((found) => isSo(found) && found)(await show()), PHASE_MS, state);
  };
  const create = async (name: string, selector: string, first: RolloutStepInput[] = []): Promise<string> =>
    (
      await machines.fleet.client.call(api.createRollout, {
        body: {
          spec: {
            ...{ name, release: releases().fresh.name, selector, canary: { count: 0 } },
            steps: [...first, { setCount: first.length === 0 ? 1 : 2 }, { pause: {} }, { setPercent: 100 }],
          },
          all: true,
        },
      })
    ).id;
  const view = (agent: AgentProcess): Promise<DeviceView> => machines.fleet.device(agent.ready.device);
  const running = async (): Promise<(string | undefined)[]> =>
    Promise.all(homes.map(async (home) => (await view(home)).reported?.running?.release));
  /** 0: the old release; 0.5: the new one. Each of the next items was worked by the release that its home runs. */
  const expectOf = async (which: readonly number[]): Promise<void> => {
    const found = await Promise.all(items.map((each) => each.next(10)));
    expect(found).toEqual(which.map((one) => Array(10).fill(one)));
  };
  const untilHelps = (expected: readonly string[], own: ReleaseView): Promise<DeviceView> =>
    until(
      `the worker helps with ${expected.length} releases`,
      async () => {
        const found = await view(worker);
        const held = (found.reported?.helps ?? []).filter(({ state }) => state === 'running').map(({ release }) => release);
        return String(held.sort()) === String(expected.toSorted()) && found.reported?.running?.release === own.digest && found;
      },
      PHASE_MS,
      async () => JSON.stringify(await view(worker)),
    );

  beforeAll(async () => {
    machines = await startMachines();
    old = await machines.release('machines-1');
    await machines.fleet.operator.pushPipeline(workAgain);
    fresh = await machines.release('machines-2');
    worker = await machines.start('worker', old, { place: 'cloud' });
    homes = [await machines.start('home-1', old, { kind: 'home' }), await machines.start('home-2', old, { kind: 'home' })];
    for (const home of homes) await machines.untilWorksFor(worker.ready.device, home.ready.device);
    items = homes.map((home) => startItems(machines, home));
    await expectOf([0, 0]);
  }, TIMEOUT_MS);
  afterAll(async () => {
    for (const each of items ?? []) await each.stop().catch(() => undefined);
    await machines?.fleet.stop();
  });

  test('moves a home when its worker has the new parts, which serves both, also after it was killed; and takes all back', async () => {
    const id = await create('waves', 'labels.kind == "home"');
    await rollout(id, 'it waits between the waves', waitsWith(1));
    const moved = (await running()).indexOf(releases().fresh.digest);
    const inBetween = homes.map((_, index) => (index === moved ? 0.5 : 0));
    await expectOf(inBetween);
    await untilHelps([releases().fresh.digest], releases().old);
    const shown = await createStarling(machines.fleet.folder, machines.fleet.folder).run(['device', 'show', worker.ready.device], {
      environment: { STARLING_FLEET: machines.fleet.baseUrl, STARLING_TOKEN: machines.fleet.token },
    });
    expect(shown.stdout).toContain('machines-2 on cloud: running');
    await worker.kill();
    worker = await machines.fleet.startAgent('worker');
    await expectOf(inBetween);
    await act(id, 'promote');
    await rollout(id, 'it is done', ({ state, counts }) => state === 'succeeded' && counts.succeeded === 2);
    await expectOf([0.5, 0.5]);
    await act(id, 'rollback');
    await rollout(id, 'it is taken back', ({ state, counts }) => state === 'rolled-back' && counts.returned === 2);
    await expectOf([0, 0]);
    expect(await running()).toEqual([releases().old.digest, releases().old.digest]);
    // What no home is on goes by itself.
    await untilHelps([], releases().old);
  });

  test('moves the worker with its homes, in any order; it lets go what is left when all have moved', async () => {
    const counted = async (): Promise<unknown> => (await machines.post(homes[0] as AgentProcess, 'counts', { x: 1 })).body.outputs?.y;
    expect(await counted()).toMatchObject({ count: 1 });
    const id = await create('all', 'true', [{ setLabel: { place: 'cloud' } }, { pause: {} }]);
    await rollout(id, 'the worker has moved', waitsWith(1));
    await untilHelps([releases().old.digest], releases().fresh);
    // The parts of the old release went on where they were, with what they keep.
    expect(await counted()).toMatchObject({ count: 2 });
    await expectOf([0, 0]);
    await act(id, 'promote');
    await rollout(id, 'it waits between the waves', waitsWith(2));
    await act(id, 'abort');
    await rollout(id, 'it is aborted', ({ state }) => state === 'aborted');
    const moved = (await running()).map((release) => (release === releases().fresh.digest ? 0.5 : 0));
    expect(moved.toSorted()).toEqual([0, 0.5]);
    await expectOf(moved);
    const last = await create('rest', 'true');
    await rollout(last, 'the rest waits', waitsWith(1));
    await expectOf([0.5, 0.5]);
    await untilHelps([], releases().fresh);
  });

  test('has lost nothing, and written nothing twice', async () => {
    for (const [index, each] of items.entries()) {
      const answers = await each.stop();
      const wrong = answers.filter(({ x, y }) => y !== 2 * x && y !== 2 * x + 0.5);
      expect(wrong).toEqual([]);
      const name = `home-${index + 1}`;
      await until('all is written', async () => (await machines.written(name)).length >= answers.length);
      const written = (await machines.written(name)).map(Math.floor).sort((left, right) => left - right);
      expect(written).toEqual(answers.map(({ x }) => 2 * x));
    }
  });
});
