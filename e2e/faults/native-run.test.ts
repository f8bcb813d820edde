import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { childrenOf } from '../harness/child-processes.ts';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { slowness } from '../harness/scale.ts';
import { hangingModel, publishMapRelease } from '../harness/small-models.ts';

const RUN_TIMEOUT_MS = 5_000;
const BACK_MS = 2_000;

interface Answer {
  status: number;
  code: string | undefined;
}

describe('a native run that hangs or crashes', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let crashes = 0;

  beforeAll(async () => {
    fleet = await startRunningFleet();
    const release = await publishMapRelease(fleet, hangingModel(), 0);
    agent = await fleet.startAgent('agent', { release, flags: { 'run-timeout-ms': `${RUN_TIMEOUT_MS}` } });
    await fleet.untilRunning(agent.ready.device, release);
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  const infer = async (picture: Buffer): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body: new Uint8Array(picture) });
    return { status: response.status, code: ((await response.json()) as { code?: string }).code };
  };
  const good = async (): Promise<Answer> => infer(await paintPlain(40, 90, 160));
  const poison = async (): Promise<Answer> => infer(await paintPlain(255, 255, 255));
  const host = async (): Promise<number> => (await childrenOf(agent.pid))[0] ?? 0;

  /** The agent says how long it took; so does an event to the fleet. */
  const expectBack = async (): Promise<void> => {
    crashes += 1;
    const recoveries = await until('the host is back', async () => {
      const events = await fleet.telemetry(agent.ready.device, 'events');
      const found = events.filter(({ payload }) => payload.code === 'host-recovered').map(({ payload }) => String(payload.message));
      return found.length >= crashes && found;
    });
    expect(recoveries).toHaveLength(crashes);
    const afterMs = Number(/after (\d+) ms/.exec(recoveries.at(-1) ?? '')?.[1]);
    expect(afterMs).toBeLessThan(BACK_MS * slowness());
    expect(await good()).toEqual({ status: 200, code: undefined });
  };

  test('an item that hangs fails alone, with a code, and the next ones run', async () => {
    expect(await good()).toEqual({ status: 200, code: undefined });
    const before = await host();
    expect(await poison()).toEqual({ status: 503, code: 'host-crashed' });
    await expectBack();
    expect(await host()).not.toBe(before);
    const events = await fleet.telemetry(agent.ready.device, 'events');
    const crash = events.find(({ payload }) => payload.code === 'host-crashed');
    expect(crash?.payload.message).toContain(`longer than ${RUN_TIMEOUT_MS} ms`);
  });

  test('a host that crashes takes only the items that it had', async () => {
    const hanging = poison();
    // It is there when it takes the processor.
    const pid = await host();
    const before = await ticksOf(pid);
    await until('the host has the item', async () => (await ticksOf(pid)) - before > 10);
    process.kill(pid, 'SIGKILL');
    expect(await hanging).toEqual({ status: 503, code: 'host-crashed' });
    await expectBack();
  });

  test('a host that is stopped is noticed and replaced', async () => {
    process.kill(await host(), 'SIGSTOP');
    expect(await good()).toEqual({ status: 503, code: 'host-crashed' });
    await expectBack();
  });
});

/** Processor time of a process so far, in clock ticks (proc(5): `utime`, the 14th field, the 12th behind the name). */
async function ticksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[11]);
}
