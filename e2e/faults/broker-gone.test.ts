import { api, cborDecode, createTopics, type TelemetryKind, telemetryBatchSchema } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { scaled } from '../harness/scale.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';

const OUTAGE_MS = Math.max(10_000, scaled(60_000));

describe('an agent whose broker is gone', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  /** Sequences of each stream and kind in the order in which they first went to the fleet. */
  const sent = new Map<string, number[]>();
  let inferences = 0;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    const topics = createTopics();
    fleet.tap.onPublish(({ topic, payload }) => {
      const parsed = topics.parse(topic);
      if (parsed?.name !== 'telemetry') return undefined;
      const { streamId, records } = cborDecode(payload, telemetryBatchSchema);
      const key = `${streamId} ${parsed.params.kind}`;
      const sequences = sent.get(key) ?? [];
      for (const { sequence } of records) if (!sequences.includes(sequence)) sequences.push(sequence);
      sent.set(key, sequences);
      return undefined;
    });
    const release = await publishMapRelease(fleet, mapModel(1), 0);
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  const inferOnce = async (): Promise<void> => {
    const body = new Uint8Array(await paintPlain(40, 90, 160));
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body });
    expect(response.status, await response.clone().text()).toBe(200);
    inferences += 1;
  };
  const itemsStored = async (): Promise<number> => {
    const rows = await fleet.telemetry(agent.ready.device, 'inference');
    return rows.reduce((sum, { payload }) => sum + (payload.items as number), 0);
  };
  /** Infers through an outage, then waits until everything of it is stored. */
  const goThrough = async (gone: () => void, back: () => void): Promise<void> => {
    await inferOnce();
    const before = inferences;
    gone();
    const endMs = performance.now() + OUTAGE_MS;
    while (performance.now() < endMs) {
      await inferOnce();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    back();
    // Some tens each ten seconds even on a busy machine: it has not waited for the fleet.
    expect(inferences - before).toBeGreaterThan(OUTAGE_MS / 1000);
    await until('every inference is stored', async () => (await itemsStored()) >= inferences || undefined, 120_000);
    expect(await itemsStored()).toBe(inferences);
    const kinds: TelemetryKind[] = ['inference', 'health', 'energy'];
    for (const kind of kinds) {
      const rows = await fleet.telemetry(agent.ready.device, kind);
      const sequences = rows.map(({ sequence }) => sequence).sort((a, b) => a - b);
      expect(sequences, kind).toEqual(sequences.map((_, index) => index + 1));
    }
    for (const [key, sequences] of sent) expect(sequences, key).toEqual(sequences.map((_, index) => index + 1));
    const { delivery } = await fleet.client.call(api.summariseTelemetry, { params: { id: agent.ready.device }, query: {} });
    expect(delivery).toMatchObject({ lost: 0, declaredDropped: 0 });
  };

  test(
    'goes on while it cannot be reached, and sends what it has gathered in order',
    () => goThrough(fleet.tap.cut, fleet.tap.mend),
    300_000,
  );

  test(
    'goes on while it hangs without a word',
    () =>
      goThrough(
        () => process.kill(fleet.process.pid, 'SIGSTOP'),
        () => process.kill(fleet.process.pid, 'SIGCONT'),
      ),
    300_000,
  );
});
