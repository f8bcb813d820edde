import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  api,
  armAt,
  buildRecipeSchema,
  type ExperimentDetail,
  type ExperimentSpecInput,
  type InferenceResult,
  type PipelineInput,
  pointOf,
  type ReleaseView,
  sha256,
  splitText,
} from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling } from '../cli/starling.ts';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { findBoxes, hangingModel, mapModel, noisyWhenRounded, publishMapRelease } from '../harness/small-models.ts';

/** A pass of the fleet, a pull, a self-test, and a slow machine. */
const STEP_MS = 90_000;
const RUN_TIMEOUT_MS = 10_000;

/** Boxes go to a file as well: what a shadow must not do. */
const kept: PipelineInput = {
  ...findBoxes,
  version: '1.1.0',
  nodes: { ...findBoxes.nodes, keep: { sink: 'file', params: { folder: 'boxes' } } },
  edges: [...findBoxes.edges, { from: 'boxes.boxes', to: 'keep.value' }],
};

describe('experiments on a real agent', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let picture: Buffer;
  let releases: Record<'champion' | 'challenger' | 'broken' | 'hanging', ReleaseView>;

  beforeAll(async () => {
    // Of these models the rounded artefact alone is there: where it computes something else, nothing is left to run.
    fleet = await startRunningFleet({ 'build-methods': 'weights-int8' });
    picture = await paintPlain(40, 90, 160);
    await publishMapRelease(fleet, mapModel(1, { width: 32 }), 0);
    await fleet.operator.pushPipeline(kept);
    releases = {
      champion: await publishMapRelease(fleet, mapModel(2, { width: 32 }), 1, kept.version),
      challenger: await publishMapRelease(fleet, mapModel(3, { width: 32 }), 2, kept.version),
      broken: await publishMapRelease(fleet, noisyWhenRounded(4, { width: 48 }), 3, kept.version),
      hanging: await publishMapRelease(fleet, hangingModel(), 4, kept.version),
    };
    // The hanging one has nothing to round.
    const model = releases.hanging.document.models[0]?.digest ?? '';
    await fleet.client.call(api.addBuild, { params: { digest: model }, body: { recipe: buildRecipeSchema.parse({ method: 'source' }) } });
    await fleet.operator.waitForBuilds(model);
    await start();
    await fleet.untilRunning(agent.ready.device, releases.champion);
  }, 180_000);
  afterAll(async () => {
    await fleet?.stop();
  });

  const start = async (): Promise<void> => {
    agent = await fleet.startAgent('agent', { release: releases.champion, flags: { 'run-timeout-ms': `${RUN_TIMEOUT_MS}` } });
  };
  const create = (
    spec: Partial<ExperimentSpecInput> & Pick<ExperimentSpecInput, 'name' | 'challengers' | 'mode'>,
  ): Promise<ExperimentDetail> => fleet.client.call(api.createExperiment, { body: { spec: { selector: 'true', ...spec }, all: true } });
  const show = (id: string): Promise<ExperimentDetail> => fleet.client.call(api.showExperiment, { params: { id } });
  const act = (id: string, body: { action: 'stop' | 'promote' | 'pause' | 'resume'; release?: string }) =>
    fleet.client.call(api.actOnExperiment, { params: { id }, body });
  const when = (what: string, id: string, holds: (view: ExperimentDetail) => boolean): Promise<ExperimentDetail> =>
    until(
      what,
      async () => {
        const view = await show(id);
        return holds(view) && view;
      },
      STEP_MS,
      async () => JSON.stringify([await show(id), (await fleet.device(agent.ready.device)).reported]),
    );
  const armState = async (): Promise<string | undefined> => (await fleet.device(agent.ready.device)).reported?.experiment?.arms[0]?.state;
  const challengerRuns = (): Promise<unknown> =>
    until(
      'the challenger runs',
      async () => (await armState()) === 'running',
      STEP_MS,
      async () => JSON.stringify((await fleet.device(agent.ready.device)).reported),
    );
  const post = (item: string, image = picture): Promise<Response> =>
    fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer?item=${item}`, { method: 'POST', body: new Uint8Array(image) });
  const infer = async (item: string): Promise<InferenceResult> => {
    const response = await post(item);
    expect(response.status).toBe(200);
    return (await response.json()) as InferenceResult;
  };
  const armOf = async (experiment: string, item: string, share: number): Promise<string> => {
    const point = pointOf(await sha256(new TextEncoder().encode(splitText(experiment, item))));
    return armAt([share], point) === undefined ? releases.champion.digest : releases.challenger.digest;
  };
  const linesKept = async (): Promise<number> => {
    const folder = join(fleet.agentFolder('agent'), 'files', 'boxes');
    const files = await readdir(folder, { recursive: true }).catch(() => []);
    const texts = await Promise.all(files.filter((file) => file.endsWith('.jsonl')).map((file) => readFile(join(folder, file), 'utf8')));
    return texts
      .join('')
      .split('\n')
      .filter((line) => line !== '').length;
  };

  test('a split sends each item where its hash says, also after a restart without the fleet; feedback turns the verdict, and the winner is promoted', {
    timeout: 4 * STEP_MS,
  }, async () => {
    const { champion, challenger } = releases;
    const challengers = [{ release: challenger.name, percent: 30 }];
    const { id } = await create({ name: 'split', mode: 'split', challengers, goal: { measure: 'reward' }, stop: { minimumPerArm: 40 } });
    await challengerRuns();
    const items = Array.from({ length: 200 }, (_, item) => `item-${item}`);
    const results: InferenceResult[] = [];
    for (const item of items) {
      const result = await infer(item);
      expect(result.release).toBe(await armOf(id, item, 0.3));
      results.push(result);
    }
    const byChallenger = results.filter(({ release }) => release === challenger.digest);
    // Four standard deviations about 30 %.
    expect(byChallenger.length).toBeGreaterThan(34);
    expect(byChallenger.length).toBeLessThan(86);

    const counted = await when(
      'all items are counted',
      id,
      ({ arms }) => arms.reduce((sum, { items: own }) => sum + own, 0) === items.length,
    );
    expect(counted.arms.map(({ items: own }) => own)).toEqual([items.length - byChallenger.length, byChallenger.length]);
    expect(counted.arms.every(({ latencyMs }) => latencyMs !== null)).toBe(true);
    expect(counted.sampleRatio).toMatchObject({ mismatch: false });

    await fleet.process.kill();
    await agent.kill();
    await start();
    await until('it answers as before', async () => (await post('warm').catch(() => undefined))?.status === 200, STEP_MS);
    const [first = ''] = items.filter((_, index) => results[index]?.release === challenger.digest);
    await until('the challenger is back from the disk', async () => (await infer(first)).release === challenger.digest, STEP_MS);
    for (const [index, item] of items.slice(0, 40).entries()) expect((await infer(item)).release).toBe(results[index]?.release);
    await fleet.start();

    // What the challenger gave turned out better.
    const outcomes = results.map(({ resultId = '', release }, index) => ({
      resultId,
      outcome: release === challenger.digest ? true : index % 2 === 0,
    }));
    const sent = await fleet.client.call(api.sendFeedback, { body: { items: outcomes } });
    expect(sent).toEqual({ taken: 200, repeated: 0, unknown: [] });
    expect(await fleet.client.call(api.sendFeedback, { body: { items: outcomes } })).toMatchObject({ taken: 0, repeated: 200 });
    const won = await when('there is a winner', id, ({ state }) => state === 'concluded');
    expect(won).toMatchObject({
      winner: challenger.digest,
      arms: [{ outcomes: 200 - byChallenger.length }, { verdict: 'better', outcomes: byChallenger.length }],
    });
    await until(
      'the device runs the champion alone',
      async () => (await fleet.device(agent.ready.device)).reported?.experiment === undefined,
      STEP_MS,
    );

    await act(id, { action: 'promote' });
    await fleet.untilRunning(agent.ready.device, challenger, STEP_MS);
    expect((await infer('after')).release).toBe(challenger.digest);
    await fleet.assign(agent.ready.device, champion);
    await fleet.untilRunning(agent.ready.device, champion, STEP_MS);
  });

  test('a shadow gives nothing away, is compared, and stays in its bounds', { timeout: 2 * STEP_MS }, async () => {
    const { champion, challenger } = releases;
    const { id } = await create({
      name: 'shadow',
      mode: 'shadow',
      challengers: [{ release: challenger.name }],
      shadow: { maxCpuShare: 0.9 },
    });
    await challengerRuns();
    const before = await linesKept();
    for (let item = 0; item < 60; item += 1) {
      expect((await infer(`s-${item}`)).release).toBe(champion.digest);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { arms } = await when(
      'copies are compared',
      id,
      (view) => (view.arms[0]?.items ?? 0) === 60 && (view.arms[1]?.compared ?? 0) + (view.arms[1]?.shed ?? 0) >= 60,
    );
    expect(arms[1]?.compared).toBeGreaterThan(10);
    expect(arms[1]?.items).toBe(arms[1]?.compared);
    await until('the champion has kept its boxes', async () => (await linesKept()) >= before + 60, STEP_MS);
    expect(await linesKept()).toBe(before + 60);
    await act(id, { action: 'stop' });
    await until('the shadow is gone', async () => (await armState()) === undefined, STEP_MS);

    // A share of the processor that is as good as none: the burst that it starts with, and then hardly anything.
    const tight = await create({
      name: 'tight',
      mode: 'shadow',
      challengers: [{ release: challenger.name }],
      shadow: { maxCpuShare: 0.001 },
    });
    await challengerRuns();
    for (let item = 0; item < 60; item += 1) await infer(`t-${item}`);
    const bounded = await when(
      'copies are left out',
      tight.id,
      (view) => (view.arms[0]?.items ?? 0) === 60 && (view.arms[1]?.shed ?? 0) > 0,
    );
    expect(bounded.arms[1]?.shed).toBeGreaterThan(bounded.arms[1]?.compared ?? 0);
    await act(tight.id, { action: 'stop' });
    await until('the shadow is gone', async () => (await armState()) === undefined, STEP_MS);
  });

  test('a challenger that does not pass its self-test is off, and the champion has all items', { timeout: 2 * STEP_MS }, async () => {
    const file = join(fleet.folder, 'broken.yaml');
    await writeFile(
      file,
      `name: broken\nselector: 'true'\nmode: split\nchallengers:\n  - release: ${releases.broken.name}\n    percent: 50\n`,
    );
    const program = createStarling(join(fleet.folder, 'configuration'), fleet.folder);
    const run = (...args: string[]) => program.run(args, { environment: { STARLING_FLEET: fleet.baseUrl, STARLING_TOKEN: fleet.token } });
    expect((await run('experiment', 'create', '-f', file, '--all', '--dry-run')).stdout).toContain('1 of 1 would take part');
    const made = await run('experiment', 'create', '-f', file, '--all', '--quiet');
    expect(made.exitCode).toBe(0);
    const id = made.stdout.trim();
    const view = await when('it is off', id, ({ off }) => off.length > 0);
    expect(view.off).toEqual([{ release: releases.broken.digest, code: 'self-test-failed', devices: 1 }]);
    for (let item = 0; item < 20; item += 1) expect((await infer(`b-${item}`)).release).toBe(releases.champion.digest);
    expect((await run('experiment', 'show', 'broken')).stdout).toContain('self-test-failed');
    expect((await run('experiment', 'show', 'broken', '--devices')).stdout).toContain('off (self-test-failed)');
    expect((await run('experiment', 'arm', 'broken', 'b-1')).stdout).toContain('its point is');
    expect((await run('feedback', (await infer('b-1')).resultId ?? '', 'true')).stdout).toContain('1 taken');
    expect((await run('experiment', 'stop', 'broken', '--reason', 'seen')).exitCode).toBe(0);
    expect((await run('experiment', 'show', 'broken', '--timeline')).stdout).toContain('(seen)');
    expect(JSON.parse((await run('experiment', 'list', '--json')).stdout).total).toBe(4);
    await until('it is over', async () => (await armState()) === undefined, STEP_MS);
  });

  test('a challenger that takes the runtime host with it is off, and stays off after a restart', { timeout: 3 * STEP_MS }, async () => {
    const { id } = await create({ name: 'hanging', mode: 'split', challengers: [{ release: releases.hanging.name, percent: 90 }] });
    await challengerRuns();
    // White is what it hangs on.
    const white = await paintPlain(255, 255, 255);
    const names = Array.from({ length: 60 }, (_, item) => `h-${item}`);
    const arms = await Promise.all(names.map((name) => armOf(id, name, 0.9)));
    const itsOwn = names.filter((_, item) => arms[item] === releases.challenger.digest).slice(0, 3);
    const answers = await Promise.all(itsOwn.map((name) => post(name, white)));
    expect(answers.some(({ status }) => status === 503)).toBe(true);
    const { off } = await when('it is off', id, (view) => view.off.length > 0);
    expect(off).toEqual([{ release: releases.hanging.digest, code: 'host-crashed', devices: 1 }]);
    await until('the champion takes its items', async () => (await post('h-0', white)).status === 200, STEP_MS);
    await agent.kill();
    await start();
    await until('it is off again', async () => (await armState()) === 'off', STEP_MS);
    expect((await post('h-1', white)).status).toBe(200);
    await act(id, { action: 'stop' });
  });
});
