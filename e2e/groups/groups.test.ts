import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, deviceViewSchema, groupViewSchema, pageOf, siteViewSchema } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { until } from '../harness/running-fleet.ts';

/** A small crowd on two sites that lives for the whole file. */
const DEVICES = 12;

let folder: string;
let fleet: ReadyFleet;
let starling: Starling;
let crowd: ReturnType<Starling['run']>;
let stopCrowd: AbortController;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-groups-'));
  fleet = await startReadyFleet();
  starling = createStarling(join(folder, 'config'), folder);
  const args = ['login', '--fleet', fleet.baseUrl, '--email', fleet.login.email, '--password-stdin'];
  expect((await starling.run(args, { stdin: `${fleet.login.password}\n` })).exitCode).toBe(0);
  stopCrowd = new AbortController();
  crowd = starling.run(
    ['simulate', '--devices', `${DEVICES}`, '--sites', '2', '--telemetry-seconds', '1', '--drops-per-hour', '0', '--json'],
    { interrupt: stopCrowd.signal },
  );
  await until('all devices are online', async () => (await fleet.client.call(api.overview, {})).devices.online === DEVICES);
});
afterAll(async () => {
  stopCrowd?.abort();
  await crowd;
  await fleet?.stop();
  await rm(folder, { recursive: true, force: true });
});

const select = async (selector: string): Promise<string[]> => {
  const page = pageOf(deviceViewSchema).parse(await starling.json(['device', 'list', '--all', '--select', selector]));
  return page.items.map(({ name }) => name);
};

test('simulated devices are of their profile, have labels of their site, and answer', async () => {
  const { items } = await fleet.client.call(api.listDevices, { query: {} });
  expect(new Set(items.map(({ profile }) => profile))).toEqual(new Set(['raspberry-pi-5']));
  expect(items[0]?.labels).toMatchObject({ simulated: 'true', site: expect.stringMatching(/^sim-00[12]$/) });
  const pong = await starling.json(['device', 'ping', items[0]?.id ?? '']);
  expect(pong).toMatchObject({ agentVersion: '0.1.0' });
  const id = items[0]?.id ?? '';
  const stored = await until('telemetry is stored', async () => {
    const { delivery } = await fleet.client.call(api.summariseTelemetry, { params: { id }, query: {} });
    return delivery.stored >= 4 ? delivery : false;
  });
  expect(stored).toMatchObject({ lost: 0, declaredDropped: 0 });
});

test('sites are counted', async () => {
  const { items } = pageOf(siteViewSchema).parse(await starling.json(['site', 'list']));
  expect(items).toEqual([
    { area: 'sim-east', site: 'sim-001', devices: 6, online: 6, failed: 0 },
    { area: 'sim-west', site: 'sim-002', devices: 6, online: 6, failed: 0 },
  ]);
});

test('a group is made, used, shown, kept while in use, and deleted', async () => {
  const made = groupViewSchema.parse(await starling.json(['group', 'create', 'east', '--select', 'area == "sim-east"']));
  expect(made).toMatchObject({ name: 'east', devices: 6, online: 6 });
  await starling.json(['group', 'create', 'first', '--select', 'group("east") && name.endsWith("1")', '--description', 'the first']);
  expect(await select('group("first") && online')).toEqual(['sim-1-00001', 'sim-1-00011']);
  const { stdout } = await starling.run(['group', 'devices', 'first', '--quiet']);
  expect(stdout.trim().split('\n')).toHaveLength(2);
  expect(await starling.failure(['group', 'delete', 'east', '--yes'])).toMatchObject({ exitCode: 5, error: { code: 'group-in-use' } });
  await starling.json(['group', 'set', 'first', '--select', 'name == "sim-1-00001"']);
  await starling.json(['group', 'delete', 'east', '--yes']);
  expect((await starling.run(['group', 'list'])).stdout).toMatch(/^NAME +DEVICES.*\nfirst +1 /);
});

test('a slip in a selector is told with its place and the fix', async () => {
  const { exitCode, error, stderr } = await starling.failure(['device', 'list', '--select', 'online && sitee == "x"']);
  expect({ exitCode, error }).toMatchObject({ exitCode: 2, error: { code: 'invalid-selector', hint: 'did you mean "site"?' } });
  expect(stderr).toContain('unknown name "sitee", at character 11 of');
});

test('labels of all selected devices change after a dry run and a yes', async () => {
  const args = ['device', 'set', '--select', 'site == "sim-001"', '--label', 'floor=2', '--remove-label', 'area'];
  expect(await starling.failure(args)).toMatchObject({ exitCode: 2, error: { code: 'not-confirmed' } });
  expect(await select('has(labels.floor)')).toEqual([]);
  expect(await starling.json([...args, '--yes'])).toMatchObject({ selected: 6, changing: 6 });
  expect(await select('labels.floor == "2" && !has(labels.area)')).toHaveLength(6);
});

test('names and labels go out as CSV and come in changed; bad lines are told by number', async () => {
  const file = join(folder, 'devices.csv');
  await starling.run(['device', 'export', '--select', 'site == "sim-002"', '--output', file]);
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\r\n');
  expect(lines[0]).toBe('id,name,labels.area,labels.simulated,labels.site');
  expect(lines).toHaveLength(7);
  const [header, first = '', ...rest] = lines;
  await writeFile(file, [header, first.replace(/,sim-1-[0-9]+,/, ',door,'), `${'q'.repeat(26)},x,,,`, ...rest].join('\n'));
  const refused = await starling.failure(['device', 'import', file, '--yes']);
  expect(refused).toMatchObject({ exitCode: 2, error: { code: 'bad-file' } });
  expect(refused.stderr).toContain('line 3, id: there is no device');
  expect(await select('name == "door"')).toEqual([]);
  expect(await starling.json(['device', 'import', file, '--yes', '--skip-bad'])).toMatchObject({ changing: 1, applied: true, bad: 1 });
  expect(await select('name == "door"')).toEqual(['door']);
  expect((await starling.run(['device', 'export'])).stdout.split('\r\n')).toHaveLength(DEVICES + 2);
});

test('Ctrl-C lets all devices leave, and they are deleted without a trace', async () => {
  stopCrowd.abort();
  const { exitCode, stdout, stderr } = await crowd;
  expect([exitCode, JSON.parse(stdout)], stderr).toMatchObject([0, { enrolled: DEVICES, connected: 0, problems: {} }]);
  await until('nobody is online', async () => (await fleet.client.call(api.overview, {})).devices.online === 0);
  const { items } = await fleet.client.call(api.listDevices, { query: { limit: 1 } });
  expect(await starling.failure(['simulate', '--remove'])).toMatchObject({ error: { code: 'not-confirmed' } });
  expect(await starling.json(['simulate', '--remove', '--yes'])).toEqual({ devices: DEVICES });
  expect((await fleet.client.call(api.overview, {})).devices.total).toBe(0);
  const { total } = await fleet.client.call(api.listTelemetry, { params: { id: items[0]?.id ?? '' }, query: {} });
  expect(total).toBe(0);
});
