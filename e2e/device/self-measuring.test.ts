import { api, type CommandView, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

/** Two devices of a profile are to measure, and a machine that runs tests is never idle. */
const flags = { 'measure-devices-per-profile': '2', 'measure-idle-share': '0', 'measure-load-share': '1' };

/** The fleet is found again after a while, looks once a minute, and a device measures with pauses. */
const MEASURED_WITHIN_MS = 240_000;

describe('a fleet that has devices measure by itself', () => {
  let fleet: RunningFleet;
  let release: ReleaseView;
  let agents: AgentProcess[];
  let model: string;

  const benchmarksOf = async (id: string): Promise<CommandView[]> => {
    const { items } = await fleet.client.call(api.listCommands, { params: { id }, query: { limit: 50 } });
    return items.filter(({ name }) => name === 'benchmark');
  };
  const benchmarks = async (): Promise<CommandView[]> => (await Promise.all(agents.map(({ ready }) => benchmarksOf(ready.device)))).flat();
  // The last figures come a moment before the end.
  const untilAllDone = () => until('all have ended well', async () => (await benchmarks()).every(({ status }) => status === 'done'));
  const plan = () => fleet.client.call(api.measurePlan, { query: { model } });

  beforeAll(async () => {
    fleet = await startRunningFleet(flags);
    release = await publishMapRelease(fleet, mapModel(0, { width: 48, layers: 1 }), 0);
    model = release.document.models[0]?.digest ?? '';
    agents = [await fleet.startAgent('one', { release })];
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  test('asks a device that runs its release, is killed meanwhile, and asks nobody twice', async () => {
    const [{ ready }] = agents as [AgentProcess];
    await fleet.untilRunning(ready.device, release);
    const [asked] = await until('a benchmark of the fleet', async () => {
      const found = await benchmarksOf(ready.device);
      return found.length > 0 && found;
    });
    await fleet.process.kill();
    await fleet.start();
    expect(asked).toMatchObject({ issuer: 'fleet', arguments: { maximumLoadShare: 1, minimumIdleShare: 0 } });
    const { artefacts } = await fleet.client.call(api.showModel, { params: { digest: model } });
    const figures = await until(
      'figures of every artefact',
      async () => {
        const found = await fleet.client.call(api.modelFigures, { params: { digest: model } });
        return found.devices.length === artefacts.length && found;
      },
      MEASURED_WITHIN_MS,
    );
    expect(figures.profiles.map(({ devices }) => devices)).toEqual(artefacts.map(() => 1));
    await untilAllDone();
    expect(await benchmarks()).toHaveLength(1);
    const { items } = await fleet.client.call(api.listAudit, { query: { search: 'command.benchmark' } });
    expect(items.map(({ actor, subject }) => [actor, subject])).toEqual([['fleet', ready.device]]);
  }, 400_000);

  test('plans nothing for what nobody may do, and asks the next device of the profile once there is one', async () => {
    // The one device has measured, and the other is to be left alone.
    const second = await fleet.startAgent('two');
    agents.push(second);
    const params = { id: second.ready.device };
    await fleet.client.call(api.changeDevice, { params, body: { labels: { measure: 'never' } } });
    await fleet.assign(second.ready.device, release);
    await fleet.untilRunning(second.ready.device, release);
    expect((await plan()).items).toEqual([]);
    await fleet.client.call(api.changeDevice, { params, body: { labels: {} } });
    const { items, settings } = await plan();
    expect(settings).toMatchObject({ devicesPerProfile: 2, loadShare: 1 });
    const about = {
      measured: 1,
      wanted: 2,
      model: { name: 'map' },
      why: 'measured on 1 of 2 devices',
      devices: [{ id: second.ready.device }],
    };
    expect(items).toMatchObject([about, about]);
    await until(
      'figures of two devices',
      async () => {
        const { profiles } = await fleet.client.call(api.modelFigures, { params: { digest: model } });
        return profiles.every(({ devices }) => devices === 2);
      },
      MEASURED_WITHIN_MS,
    );
    await untilAllDone();
    expect(await benchmarks()).toHaveLength(2);
    expect((await plan()).items).toEqual([]);
  }, 400_000);
});

describe('a fleet that measures nothing by itself', () => {
  let fleet: RunningFleet;

  beforeAll(async () => {
    fleet = await startRunningFleet({ ...flags, 'measure-devices-per-profile': '0' });
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  test('has a model measured that no device runs once somebody asks for it', async () => {
    const release = await publishMapRelease(fleet, mapModel(3, { width: 48, layers: 1 }), 0);
    const params = { digest: release.document.models[0]?.digest ?? '' };
    const ask = (profiles?: string[]) =>
      fleet.client.call(api.requestMeasuring, { params, body: { devices: 1, ...(profiles === undefined ? {} : { profiles }) } });
    await expect(ask()).rejects.toMatchObject({ code: 'no-devices' });
    await expect(ask(['toaster'])).rejects.toMatchObject({ code: 'unknown-profile' });
    const { ready } = await fleet.startAgent('spare');
    await until('the device is known', async () => (await fleet.device(ready.device)).online);
    const { profile } = await fleet.device(ready.device);
    const { items } = await ask();
    expect(items).toMatchObject([{ profile, devices: 1, model: params.digest }]);
    const plan = await fleet.client.call(api.measurePlan, { query: { model: params.digest } });
    expect(plan.items).toMatchObject([{ wanted: 1, requestedBy: items[0]?.requestedBy }, { wanted: 1 }]);
    const measured = async () => {
      const { profiles } = await fleet.client.call(api.modelFigures, { params });
      return profiles.length === 2 && profiles;
    };
    expect(await until('figures of both artefacts', measured, MEASURED_WITHIN_MS)).toMatchObject([{ profile }, { profile }]);
    expect((await fleet.device(ready.device)).desired).toBeNull();
  }, 400_000);
});
