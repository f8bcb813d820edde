import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  api,
  type FeedbackItem,
  makeResultId,
  type ReleaseView,
  type RolloutDetail,
  type RolloutMetric,
  type RolloutState,
} from '@starling/shared';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling, type Ended, type Starling } from '../cli/starling.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';

const DEVICES = 24;
const OUTCOMES_PER_DEVICE = 12;
const FEED_MS = 500;
const END_MS = 240_000;
/** Telemetry is counted by five minutes. */
const COUNTED_MS = 300_000;
/** Of a hundred results of each release so many are right. */
const RIGHT: Readonly<Record<string, number>> = { first: 90, good: 92, bad: 65 };

interface Sent {
  device: string;
  release: string;
  atMs: number;
  right: boolean;
}

describeWith(['postgres'], 'a gate on accuracy', ({ postgres: program }) => {
  describe('fed by the outcomes of results', () => {
    let folder: string;
    let database: PostgresServer;
    let fleet: ReadyFleet;
    let starling: Starling;
    let crowd: Promise<Ended>;
    const stopCrowd = new AbortController();
    const releases = new Map<string, ReleaseView>();
    const sent: Sent[] = [];
    let isFed = true;
    let feeding: Promise<void> = Promise.resolve();
    let isHeld = false;
    let underWay: Promise<void> = Promise.resolve();
    /** While nothing is under way, what was sent is what the database has. */
    const held = async <Found>(look: () => Promise<Found>): Promise<Found> => {
      isHeld = true;
      try {
        await underWay;
        return await look();
      } finally {
        isHeld = false;
      }
    };

    const release = (name: string): ReleaseView => releases.get(name) ?? expect.unreachable();
    const devices = async () => (await fleet.client.call(api.listDevices, { query: { limit: 100 } })).items;
    const runs = async (name: string): Promise<boolean> => {
      const all = await devices();
      return all.length === DEVICES && all.every(({ reported }) => reported?.running?.release === release(name).digest);
    };
    /** The newest results of a device, some told as true and false, some as labels. */
    const outcomesOf = (device: string, index: number, name: string, nowMs: number): FeedbackItem[] =>
      Array.from({ length: OUTCOMES_PER_DEVICE }, (_, item) => {
        const atMs = nowMs - item;
        const right = (sent.length * 37 + index) % 100 < (RIGHT[name] ?? 0);
        sent.push({ device, release: name, atMs, right });
        const resultId = makeResultId({ device, release: release(name).digest, atMs }, randomBytes);
        return { resultId, outcome: item % 2 === 0 ? right : right ? 'kept' : 'returned' };
      });
    const feedOnce = async (): Promise<void> => {
      const nowMs = Date.now();
      const items = (await devices()).flatMap(({ id, reported }, index) => {
        const name = [...releases].find(([, { digest }]) => digest === reported?.running?.release)?.[0];
        return name === undefined ? [] : outcomesOf(id, index, name, nowMs);
      });
      if (items.length === 0) return;
      expect(await fleet.client.call(api.sendFeedback, { body: { items } })).toEqual({ taken: items.length, repeated: 0, unknown: [] });
      // Sent again, as after an answer that was lost: each result counts once.
      const again = items.slice(0, 5);
      expect(await fleet.client.call(api.sendFeedback, { body: { items: again } })).toMatchObject({ taken: 0, repeated: again.length });
    };
    const feed = async (): Promise<void> => {
      while (isFed) {
        if (!isHeld) {
          underWay = feedOnce();
          await underWay;
        }
        await new Promise((resolve) => setTimeout(resolve, FEED_MS));
      }
    };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'starling-accuracy-'));
      database = await startPostgres(program);
      fleet = await startReadyFleet({ 'database-url': database.url, 'telemetry-window-ms': '1000' });
      const { operator } = fleet;
      for (const [index, name] of Object.keys(RIGHT).entries()) {
        await operator.pushPipeline({
          ...{ kind: 'pipeline', schemaVersion: 1, name: 'add', version: `1.0.${index}`, inputs: { x: 'json' }, outputs: { y: 'json' } },
          nodes: { more: { op: 'value.compute', params: { inputs: ['value'], give: `value.x + ${index}` } } },
          edges: [
            { from: 'input.x', to: 'more.value' },
            { from: 'more.value', to: 'output.y' },
          ],
        });
        const egress = { outputs: ['y'], edges: [], sinks: [] };
        const policies = { egress, capture: { enabled: false }, retention: { resultDays: 30 }, power: {} };
        releases.set(name, await operator.createRelease({ name, pipeline: `add@1.0.${index}`, policies }));
      }
      starling = createStarling(join(folder, 'config'), folder);
      const login = ['login', '--fleet', fleet.baseUrl, '--email', fleet.login.email, '--password-stdin'];
      expect((await starling.run(login, { stdin: `${fleet.login.password}\n` })).exitCode).toBe(0);
      const options = ['--devices', `${DEVICES}`, '--release', 'first', '--time-factor', '0.02', '--telemetry-seconds', '2'];
      crowd = starling.run(['simulate', ...options, '--drops-per-hour', '0', '--json'], { interrupt: stopCrowd.signal });
      await until('all run the first release', () => runs('first'), END_MS);
      feeding = feed();
    }, END_MS);
    afterAll(async () => {
      isFed = false;
      stopCrowd.abort();
      await Promise.all([feeding, crowd]);
      await fleet?.stop();
      await database?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    const show = (id: string): Promise<RolloutDetail> => fleet.client.call(api.showRollout, { params: { id } });
    const metric = async (id: string): Promise<RolloutMetric> =>
      (await fleet.client.call(api.listRolloutMetrics, { params: { rollout: id } })).items[0] ?? expect.unreachable();
    const act = (id: string, action: 'promote' | 'rollback'): Promise<unknown> =>
      fleet.client.call(api.actOnRollout, { params: { id }, body: { action } });
    const becomes = async (
      id: string,
      state: RolloutState,
      kind?: NonNullable<RolloutDetail['waiting']>['kind'],
    ): Promise<RolloutDetail> => {
      const described = async (): Promise<string> => JSON.stringify([await show(id), await metric(id).catch(() => 'nothing measured')]);
      const isSo = (view: RolloutDetail): boolean => view.state === state && (kind === undefined || view.waiting?.kind === kind);
      return until(`it is ${state}`, async () => ((view) => isSo(view) && view)(await show(id)), END_MS, described);
    };
    /** Half of the devices, then the gate, then a person. */
    const create = async (name: string, release: string, onFailure: 'pause' | 'rollback'): Promise<string> => {
      const right = { name: 'right', measure: 'accuracy' as const, noWorseThan: '5 %', labels: { kept: 1, returned: 0 } };
      const analyse = { objectives: [{ ...right, minimumInferences: 200, minimumDevices: 8, intervalMs: 1000 }] };
      const steps = [{ setPercent: 50 }, { analyse, for: '3m' }, { pause: {} }, { setPercent: 100 }];
      const spec = { name, release, selector: 'true', canary: { count: 0 }, steps, onFailure };
      return (await fleet.client.call(api.createRollout, { body: { all: true, spec } })).id;
    };
    const halfOf = async (id: string): Promise<Set<string>> => {
      const { items } = await fleet.client.call(api.listRolloutTargets, { params: { id }, query: { limit: 100, wave: 0 } });
      return new Set(items.map(({ device }) => device));
    };
    /** The sums of both sides, by the statements that the program prints, asked of the database by another client. */
    const sumsOf = async (id: string): Promise<Record<string, { now_devices: number; now_a: number; now_b: number }>> => {
      const { stdout, exitCode } = await starling.run(['analysis', 'sql', id, 'right']);
      expect(exitCode).toBe(0);
      const client = postgres(database.url, { max: 1, onnotice: () => undefined });
      try {
        const statements = stdout.split(/^-- right: /m).filter((text) => text.trim() !== '');
        const found = await Promise.all(
          statements.map(async (text) => {
            const [side = ''] = text.split('\n', 1);
            const [row] = await client.unsafe(text.slice(side.length));
            return [side, row] as const;
          }),
        );
        return Object.fromEntries(found) as never;
      } finally {
        await client.end();
      }
    };
    /** What was told of these devices up to a look, from the start of the five minutes in which its step began, counted here. */
    const counted = (
      name: string,
      of: (device: string) => boolean,
      { step, measuredAtMs }: RolloutMetric,
    ): { now_devices: number; now_a: number; now_b: number } => {
      const [, startedAtMs] = step.split('@').map(Number);
      const fromMs = Math.floor((startedAtMs ?? Number.NaN) / COUNTED_MS) * COUNTED_MS;
      const isOfLook = (atMs: number): boolean => atMs >= fromMs && atMs <= measuredAtMs;
      const own = sent.filter(({ device, release: from, atMs }) => from === name && of(device) && isOfLook(atMs));
      return {
        now_devices: new Set(own.map(({ device }) => device)).size,
        now_a: own.filter(({ right }) => right).length,
        now_b: own.length,
      };
    };

    test('passes a release that is right as often as the one before, by figures that anybody can ask for again', {
      timeout: 2 * END_MS,
    }, async () => {
      const id = await create('good', 'good', 'rollback');
      await becomes(id, 'running', 'person');
      const seen = await metric(id);
      expect(seen.judgement).toMatchObject({ verdict: 'successful', measure: 'accuracy', gates: true });
      const half = await halfOf(id);
      expect(half.size).toBe(DEVICES / 2);
      const { own, sums } = await held(async () => ({
        own: counted('good', (device) => half.has(device), seen),
        sums: await sumsOf(id),
      }));
      const { candidate, control } = sums;
      expect(candidate).toMatchObject(own);
      expect(control?.now_devices).toBe(DEVICES / 2);
      // What had come by the time of the look; of that time more may have come after it.
      const { queries } = await fleet.client.call(api.showMetricQueries, { params: { rollout: id, metric: 'right' }, query: {} });
      const { now_a = 0, now_b = 0 } = queries.find(({ side }) => side === 'candidate')?.figures ?? {};
      expect(now_a).toBeLessThanOrEqual(own.now_a);
      expect(now_b).toBeLessThanOrEqual(own.now_b);
      expect(seen.judgement?.candidate?.estimate).toBeCloseTo(now_a / now_b, 3);
      expect((100 * own.now_a) / own.now_b).toBeGreaterThan(88);
      await act(id, 'promote');
      expect((await becomes(id, 'succeeded')).counts).toMatchObject({ succeeded: DEVICES });
      expect(await runs('good')).toBe(true);
    });

    test('stops one that is wrong more often, and takes it back', { timeout: 2 * END_MS }, async () => {
      const id = await create('bad', 'bad', 'pause');
      const { waiting } = await becomes(id, 'paused');
      expect(waiting?.text).toContain('the analysis failed: right');
      const seen = await metric(id);
      expect(seen.judgement).toMatchObject({ verdict: 'failed', measure: 'accuracy' });
      const half = await halfOf(id);
      const { own, sums } = await held(async () => ({
        own: counted('bad', (device) => half.has(device), seen),
        sums: await sumsOf(id),
      }));
      expect(sums.candidate).toMatchObject(own);
      expect((100 * own.now_a) / own.now_b).toBeLessThan(75);
      // What the program says of it: the sentence, and which step it was.
      const says = async (...words: string[]) => starling.run(words);
      const broken =
        /the analysis failed: right: share of the items .* surely more than 5 % worse than the control, even with 0\.2 % allowed/;
      expect((await says('rollout', 'show', id)).stdout).toMatch(
        new RegExp(`^state +paused, step 2 of 4: analyse\nwhy +${broken.source}`, 'm'),
      );
      expect((await says('analysis', 'show', id)).stdout).toMatch(/^right \(step 2, analyse\) +failed: share of the items/m);
      const ofStep = await says('analysis', 'sql', id, 'right', '--step', '2');
      expect(ofStep.stdout).toMatch(/^-- right: candidate\n-- step 2, analyse, /);
      expect((await says('analysis', 'sql', id, 'right', '--step', '3')).stderr).toContain('it was looked at in: step 2, analyse');
      await act(id, 'rollback');
      await becomes(id, 'rolled-back');
      expect((await says('rollout', 'show', id)).stdout).toMatch(/^why +rolled back: every device gets its own previous release, by /m);

      // And by itself.
      const again = await becomes(await create('bad-again', 'bad', 'rollback'), 'rolled-back');
      expect(again.counts).toMatchObject({ returned: DEVICES / 2, cancelled: DEVICES / 2, succeeded: 0 });
      const { items } = await fleet.client.call(api.listRolloutEvents, { params: { id: again.id }, query: { limit: 50 } });
      expect(items.map(({ text }) => text)).toContainEqual(expect.stringContaining('the analysis failed: right'));
      await until('all run the good release', () => runs('good'), END_MS);
    });
  });
});
