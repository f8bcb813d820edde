import type { ReleaseView, ReportedState } from '@starling/shared';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chunksOnDisk } from '../harness/chunks-on-disk.ts';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { scaled, testSeed } from '../harness/scale.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { type Wants, watchWants } from '../harness/watch-wants.ts';

const KILLS = 50;
/** A switch takes three seconds of probation and about one for the rest. */
const SWITCH_MS = 4_500;

describe('an agent that is killed in the middle of a pull or of a release switch', () => {
  let fleet: RunningFleet;
  let wants: Wants;
  let agent: AgentProcess;
  /** Three, so that the one after next is never on the disk any more. */
  const releases: ReleaseView[] = [];
  const random = xoroshiro128plus(testSeed());
  const integer = (from: number, to: number): number => uniformInt(random, from, to);

  beforeAll(async () => {
    fleet = await startRunningFleet();
    wants = watchWants(fleet.tap);
    for (const revision of [0, 1, 2]) releases.push(await publishMapRelease(fleet, mapModel(revision), revision));
    agent = await fleet.startAgent('agent');
    // Slow enough that a kill falls between two chunks.
    fleet.tap.delayMs = 8;
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  const status = async (): Promise<ReportedState> => {
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/status`);
    return ((await response.json()) as { reported: ReportedState }).reported;
  };
  const infer = async (): Promise<string> => {
    const body = await paintPlain(40, 90, 160);
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body: new Uint8Array(body) });
    const result = (await response.json()) as { release?: string; detail?: string };
    return result.release ?? `${response.status} ${result.detail}`;
  };
  /** Half of the kills fall into the pull, after some number of its chunks; half at any time of the switch. */
  const moment = async (kill: number, next: ReleaseView): Promise<string> => {
    if (kill % 2 === 0) {
      const frames = integer(1, 60);
      // Fewer may be missing.
      await until('chunks have come', async () => wants.framesSent() >= frames || (await status()).running?.release === next.digest);
      return `after ${frames} frames`;
    }
    const delayMs = integer(0, SWITCH_MS);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    return `after ${delayMs} ms`;
  };

  test(
    'comes back to a working release each time, and asks for no chunk that it had',
    async () => {
      const id = agent.ready.device;
      let running: string | undefined;
      let keptChunks = 0;
      for (let kill = 0; kill < scaled(KILLS); kill += 1) {
        const next = releases[kill % releases.length] as ReleaseView;
        wants.forget();
        const before = await chunksOnDisk(fleet.agentFolder('agent'));
        await fleet.assign(id, next);
        const when = await moment(kill, next);
        await agent.kill();
        // Without the fleet from here on: the last good release runs from the disk alone, and what was sent before is over.
        fleet.tap.cut();
        const had = await chunksOnDisk(fleet.agentFolder('agent'));
        keptChunks += [...had].filter((digest) => !before.has(digest)).length;
        wants.forget();
        agent = await fleet.startAgent('agent');
        const back = (await status()).running;
        const known = [running, next.digest];
        if (running !== undefined) expect(known, `kill ${kill} ${when}`).toContain(back?.release);
        // The next one may have begun to run since that was asked, if all of it was there.
        if (back !== null) expect([back.release, next.digest]).toContain(await infer());
        fleet.tap.mend();
        await fleet.untilRunning(id, next);
        expect(await infer()).toBe(next.digest);
        expect(
          [...wants.asked].filter((digest) => had.has(digest)),
          `kill ${kill} ${when}: asked again`,
        ).toEqual([]);
        running = next.digest;
      }
      // Else no kill has fallen into a pull, and nothing was proved.
      expect(keptChunks).toBeGreaterThan(0);
    },
    30_000 + scaled(KILLS) * 20_000,
  );
});
