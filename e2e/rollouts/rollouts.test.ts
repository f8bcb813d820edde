import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, type ReleaseView, type RolloutDetail, type RolloutSpecInput, type RolloutState } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling } from '../cli/starling.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, noisyWhenRounded, publishMapRelease } from '../harness/small-models.ts';

const AGENTS = 3;
/** Agents that lost a fleet come back within minutes: the longer it was away, the later. */
const END_MS = 240_000;

describe('a rollout over real agents', () => {
  let fleet: RunningFleet;
  let agents: AgentProcess[];
  let releases: { first: ReleaseView; good: ReleaseView; bad: ReleaseView };

  beforeAll(async () => {
    // Of these models the rounded artefact alone is there: where it computes something else, nothing is left to run.
    fleet = await startRunningFleet({ 'build-methods': 'weights-int8' });
    releases = {
      first: await publishMapRelease(fleet, mapModel(1, { width: 32 }), 0),
      good: await publishMapRelease(fleet, mapModel(2, { width: 32 }), 1),
      bad: await publishMapRelease(fleet, noisyWhenRounded(3, { width: 48 }), 2),
    };
    agents = await Promise.all(
      Array.from({ length: AGENTS }, (_, index) => fleet.startAgent(`agent-${index}`, { release: releases.first })),
    );
    for (const agent of agents) await fleet.untilRunning(agent.ready.device, releases.first);
  }, 180_000);
  afterAll(async () => {
    await fleet?.stop();
  });

  const create = (spec: Partial<RolloutSpecInput> & Pick<RolloutSpecInput, 'name' | 'release'>): Promise<RolloutDetail> =>
    fleet.client.call(api.createRollout, { body: { spec: { selector: 'true', ...spec }, all: true } });
  const show = (id: string): Promise<RolloutDetail> => fleet.client.call(api.showRollout, { params: { id } });
  const ended = (id: string, state: RolloutState): Promise<RolloutDetail> =>
    until(
      `${id} is ${state}`,
      async () => {
        const view = await show(id);
        return view.state === state && view;
      },
      END_MS,
      async () => JSON.stringify(await show(id)),
    );
  const running = async (): Promise<(string | undefined)[]> =>
    Promise.all(agents.map(async ({ ready }) => (await fleet.device(ready.device)).reported?.running?.release));

  test('a bad release is stopped at the canary, which runs its previous release again', { timeout: END_MS + 10_000 }, async () => {
    const { bad, first } = releases;
    const { id } = await create({ name: 'bad', release: bad.name, steps: [{ setPercent: 100 }] });
    const view = await ended(id, 'rolled-back');
    expect(view.counts).toMatchObject({ returned: 1, cancelled: AGENTS - 1, succeeded: 0 });
    expect(view.failures).toEqual([{ kind: 'failed', code: 'self-test-failed', devices: 1 }]);
    expect(await running()).toEqual(agents.map(() => first.digest));
    const { items } = await fleet.client.call(api.listRolloutTargets, { params: { id }, query: { state: 'returned' } });
    expect(items[0]).toMatchObject({ previousRelease: first.digest, wave: 0 });
    const device = await fleet.device(items[0]?.device ?? '');
    expect(device.desired?.release).toBe(first.digest);
    const audit = await fleet.client.call(api.listAudit, { query: { search: 'rollout.' } });
    expect(audit.items.map(({ action }) => action)).toEqual(expect.arrayContaining(['rollout.create', 'rollout.assign', 'rollout.return']));
  });

  test('a good release goes through a fleet that is killed on the way', { timeout: END_MS + 60_000 }, async () => {
    const { good } = releases;
    const { id } = await create({
      name: 'good',
      release: good.name,
      steps: [{ setPercent: 60 }, { pause: { for: '3s' } }, { setPercent: 100 }],
    });
    await until('the canary is on its way', async () => (await show(id)).counts.waiting < AGENTS);
    await fleet.process.kill();
    await fleet.start();
    const view = await ended(id, 'succeeded');
    expect(view.counts).toMatchObject({ succeeded: AGENTS });
    expect(view.waves.map(({ started }) => started)).toEqual([1, 1, 0, 1]);
    expect(await running()).toEqual(agents.map(() => good.digest));
    // And back again, though it was over: every device gets what it had.
    await fleet.client.call(api.actOnRollout, { params: { id }, body: { action: 'rollback', reason: 'changed our mind' } });
    await ended(id, 'rolled-back');
    expect(await running()).toEqual(agents.map(() => releases.first.digest));
  });

  test('the command line starts, watches and explains one; a bad file is told with its lines', { timeout: END_MS }, async () => {
    const file = join(fleet.folder, 'rollout.yaml');
    const environment = { STARLING_FLEET: fleet.baseUrl, STARLING_TOKEN: fleet.token };
    const program = createStarling(join(fleet.folder, 'configuration'), fleet.folder);
    const run = (args: readonly string[]) => program.run(args, { environment });
    await writeFile(file, "name: by-hand\nrelease: find-boxes-1\nselector: 'true'\nsteps:\n  - setPercnt: 50\nmaxInFlight: none\n");
    const refused = await run(['rollout', 'create', '-f', file, '--all']);
    expect(refused.exitCode).toBe(5);
    expect(refused.stderr).toContain(`${file}:5:5: steps.0: has none of setPercent`);
    expect(refused.stderr).toContain('did you mean "setPercent"?');
    expect(refused.stderr).toContain(`${file}:6:14`);
    await writeFile(file, "name: by-hand\nrelease: find-boxes-1\nselector: 'true'\ncanary: {count: 0}\nsteps:\n  - setPercent: 100\n");
    expect((await run(['rollout', 'create', '-f', file])).stderr).toContain(`${file}:3:11: the selector matches every device`);
    const preview = await run(['rollout', 'preview', '-f', file, '--all', '--json']);
    expect(JSON.parse(preview.stdout)).toMatchObject({ devices: AGENTS, unchanged: 0, online: AGENTS, sampled: AGENTS });
    const watched = await run(['rollout', 'create', '-f', file, '--all', '--watch']);
    expect(watched).toMatchObject({ exitCode: 0 });
    expect(watched.stdout).toContain(`succeeded: ${AGENTS} succeeded`);
    expect((await run(['rollout', 'show', 'by-hand'])).stdout).toContain('100 %');
    expect((await run(['rollout', 'list', '--quiet'])).stdout.trim().split('\n')).toHaveLength(3);
    expect((await run(['rollout', 'show', 'by-hand', '--timeline'])).stdout).toContain('finish-steps');
    expect((await run(['rollout', 'pause', 'by-hand'])).stderr).toContain('possible now: rollback');
  });
});
