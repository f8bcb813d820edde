import { api, type CommandBatchView, commandSchema, createTopics, jsonEncode, parseClaimToken } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStarling } from '../cli/starling.ts';
import { createProtocolDevice, type ProtocolDevice, type Session, startSession } from '../harness/protocol-device.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';

const DEVICES = 12;

/** How a device meets commands. `holds` says nothing until it is let go. */
interface Manner {
  fails: boolean;
  holds: boolean;
}

describe('a command for many devices', () => {
  let fleet: RunningFleet;
  const devices: ProtocolDevice[] = [];
  const sessions: Session[] = [];
  const manner: Manner = { fails: false, holds: false };
  /** Commands that came, by device. */
  const came = new Map<string, string[]>();
  /** By device and command: one that says hello as a command comes gets that twice. */
  const held = new Map<string, () => void>();

  beforeAll(async () => {
    fleet = await startRunningFleet();
    const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'many', uses: DEVICES, labels: { site: 'north' } } });
    for (let count = 0; count < DEVICES; count += 1) {
      const device = await createProtocolDevice(fleet.baseUrl);
      await device.enrol(parseClaimToken(text) ?? expect.unreachable());
      devices.push(device);
    }
    const present = devices.slice(2);
    for (const device of present) await join(device);
    // Until its hello is written one counts as away, and those that are away are sent theirs at once.
    await until('they are there', async () => (await fleet.client.call(api.overview, {})).devices.online === present.length);
  });
  afterAll(async () => {
    for (const session of sessions) await session.end();
    await fleet?.stop();
  });

  const join = async (device: ProtocolDevice): Promise<void> => {
    const session = await startSession(fleet.process.ready.addresses.mqtt, device);
    sessions.push(session);
    const topics = createTopics();
    const answer = (topic: string, payload: Uint8Array): void => {
      if (topics.parse(topic)?.name !== 'command') return;
      const [, body = ''] = Buffer.from(payload).toString().split('.');
      const { id } = commandSchema.parse(JSON.parse(Buffer.from(body, 'base64url').toString()));
      came.set(device.id, [...(came.get(device.id) ?? []), id]);
      const outcome = manner.fails ? { status: 'failed', error: { code: 'no', message: 'no' } } : { status: 'done', result: {} };
      const publish = (): void => {
        const result = jsonEncode({ id, ...outcome, atMs: Date.now() });
        session.client.publish(topics.build('result', { device: device.id, id }), Buffer.from(result), { qos: 1 });
      };
      if (manner.holds) held.set(`${device.id} ${id}`, publish);
      else publish();
    };
    for (const { topic, payload } of session.messages) answer(topic, payload);
    session.client.on('message', answer);
  };
  const create = (change: object = {}): Promise<CommandBatchView> =>
    fleet.client.call(api.createCommandBatch, { body: { name: 'identify', select: 'site == "north"', ...change } });
  const show = (id: string): Promise<CommandBatchView> => fleet.client.call(api.showCommandBatch, { params: { id } });
  const ended = (id: string): Promise<CommandBatchView> =>
    until('it has ended', async () => {
      const view = await show(id);
      return view.state === 'running' ? undefined : view;
    });

  test('reaches a few at a time, each once, through a fleet that is killed meanwhile; those that are away get it when they are back', async () => {
    manner.holds = true;
    const batch = await create({ maxInFlight: 3 });
    expect(batch).toMatchObject({ total: DEVICES, state: 'running' });
    await until(
      'three have it',
      () => held.size === 3,
      undefined,
      async () => `${held.size} have it: ${JSON.stringify((await show(batch.id)).counts)}`,
    );
    // A second and more: whoever counts wrongly sends on.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(held.size).toBe(3);
    // Written once the devices have confirmed it.
    await until('it knows that', async () => (await show(batch.id)).counts.sent === 3);
    expect((await show(batch.id)).counts).toMatchObject({ sent: 3, queued: 2, waiting: 7 });

    await fleet.process.kill();
    for (const session of sessions.splice(0)) await session.end().catch(() => undefined);
    held.clear();
    manner.holds = false;
    await fleet.start();
    for (const device of devices) await join(device);
    const view = await ended(batch.id);
    expect(view).toMatchObject({ state: 'done', counts: { done: DEVICES } });
    // A command that was sent, and not answered, is sent again; it is the same command.
    for (const { id } of devices) expect(new Set(came.get(id)).size).toBe(1);
    const { items, total } = await fleet.client.call(api.listBatchTargets, {
      params: { id: batch.id },
      query: { state: 'done', limit: 5 },
    });
    expect([items.length, total]).toEqual([5, DEVICES]);
  });

  test('stops where too many fail, and says why', async () => {
    manner.fails = true;
    const { id } = await create({ maxInFlight: 5, stopAfter: { percent: 50, minimum: 5 } });
    const view = await ended(id);
    manner.fails = false;
    expect(view).toMatchObject({ state: 'stopped', reason: expect.stringMatching(/(\d+) of \1 /) });
    // Each that has failed lets the next one go: as the fifth is counted, four more may be under way, and none after these.
    expect(view.counts.failed).toBeGreaterThanOrEqual(5);
    expect(view.counts.waiting).toBeGreaterThanOrEqual(DEVICES - 9);
  });

  test('is called off everywhere', async () => {
    manner.holds = true;
    const { id } = await create({ maxInFlight: 4 });
    await until('four have it', () => (held.size >= 4 ? true : undefined));
    const view = await fleet.client.call(api.cancelCommandBatch, { params: { id } });
    expect(view).toMatchObject({ state: 'cancelled', counts: { cancelled: 4, waiting: DEVICES - 4 } });
    await expect(fleet.client.call(api.cancelCommandBatch, { params: { id } })).rejects.toMatchObject({ code: 'batch-ended' });
    manner.holds = false;
  });

  test('is refused where it means nobody, or nothing that can be read', async () => {
    await expect(create({ select: 'site == "south"' })).rejects.toMatchObject({ code: 'no-device', field: 'select' });
    await expect(create({ select: 'sitee == "north"' })).rejects.toMatchObject({ code: 'invalid-selector' });
    await expect(create({ arguments: { message: 7 } })).rejects.toMatchObject({ field: 'message' });
  });

  test('is sent from the command line, which counts first', async () => {
    const starling = createStarling(fleet.folder, fleet.folder);
    const global = ['--fleet', fleet.baseUrl, '--token', fleet.token];
    const line = [...global, 'command', 'send', 'ping', '--select', 'site == "north"'];
    expect(await starling.json(line)).toMatchObject({ devices: DEVICES, sent: false });
    const sent = await starling.run([...line, '--yes', '--wait']);
    expect(sent).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`${DEVICES} done`) });
    expect((await starling.run([...global, 'command', 'batches'])).stdout).toMatch(/ping +done/);
  });
});
