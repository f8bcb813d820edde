import type { PipelineInput, ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';

const SETUP_TIMEOUT_MS = 300_000;

/** Counts the pictures of a stream; a dark one makes it loop for ever, a bright one eats memory, as its first pixel says. */
const source = `export default ({ image }, { params, state, item }) => {
  const [red] = image.data;
  if (red < 20) for (;;);
  if (red > 235) for (const all = []; ; ) all.push(new Uint8Array(1e5));
  state.pictures = (state.pictures ?? 0) + 1;
  return { count: { pictures: state.pictures, megapixels: (image.width * image.height) / 1e6, step: params.step, at: item.timeMs > 0 } };
};`;

const countPictures = (version: string, code: string): PipelineInput => ({
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'count-pictures', version },
  inputs: { image: 'encoded-image' },
  outputs: { count: 'json' },
  nodes: {
    decode: { op: 'image.decode' },
    count: {
      script: { source: code, inputs: { image: 'image' }, outputs: { count: 'json' }, stateful: true, cpuMs: 1_000 },
      params: { step: 5 },
    },
  },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'count.image' },
    { from: 'count.count', to: 'output.count' },
  ],
});

describe('a release with a script', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let release: ReleaseView;

  const publish = async (version: string, code: string): Promise<ReleaseView> => {
    await fleet.operator.pushPipeline(countPictures(version, code));
    return fleet.operator.createRelease({
      name: `count-${version.replaceAll('.', '-')}`,
      pipeline: `count-pictures@${version}`,
      policies: {
        egress: { outputs: ['count'], edges: [], sinks: [] },
        ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
      },
    });
  };

  beforeAll(async () => {
    fleet = await startRunningFleet();
    release = await publish('1.0.0', source);
    agent = await fleet.startAgent('agent', { release });
    await fleet.untilRunning(agent.ready.device, release);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await fleet?.stop();
  });

  const infer = async (shade: number): Promise<unknown> => {
    const body = new Uint8Array(await paintPlain(shade, shade, shade));
    const response = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body });
    const answer = (await response.json()) as { code?: string; field?: string; outputs?: { count: unknown } };
    return response.ok ? answer.outputs?.count : { code: answer.code, field: answer.field };
  };

  test('counts what it is given, and goes on counting after a picture on which it hangs, and one that eats its memory', async () => {
    const counted = (pictures: number) => ({ pictures, megapixels: expect.any(Number), step: 5, at: true });
    expect([await infer(100), await infer(100)]).toEqual([counted(1), counted(2)]);
    expect(await infer(0)).toEqual({ code: 'script-timeout', field: 'nodes.count' });
    expect(await infer(100)).toEqual(counted(3));
    expect(await infer(255)).toEqual({ code: 'script-out-of-memory', field: 'nodes.count' });
    expect(await infer(100)).toEqual(counted(4));
  });

  test('a device keeps its release where the script of the next cannot be loaded, and says which line', async () => {
    const broken = await publish('1.0.1', 'export default () => ({});\nconst x = y;');
    await fleet.assign(agent.ready.device, broken);
    const { reported } = await until('the device gives up', async () => {
      const view = await fleet.device(agent.ready.device);
      return view.reported?.error !== undefined && view.reported.error !== null && view;
    });
    expect(reported?.error).toMatchObject({ code: 'invalid-script', message: expect.stringContaining('line 2') });
    expect(await infer(100)).toMatchObject({ step: 5 });
  });
});
