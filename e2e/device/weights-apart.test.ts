import { readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtefactView, api, type CommandView, type ModelView, type ReleaseView } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModel, writeModelFiles } from '../../fleet/src/artefacts/onnx/index.ts';
import { writeOnnx } from '../harness/onnx-file.ts';
import { paintPlain } from '../harness/picture.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { findBoxes, mapCard, mapModel } from '../harness/small-models.ts';

/** Files of at most a mebibyte: what 2 GiB are to a large model, a mebibyte is to a small one. */
const limits = { 'model-file-mebibytes': '1', 'weights-mebibytes': '6', 'build-methods': 'source,weights-int8,fp16' };
const anyLoad = { minimumIdleShare: 0, idleWaitMs: 0, maximumLoadShare: 1 };

describe('a model that is too large for one file', () => {
  let fleet: RunningFleet;
  let agent: AgentProcess;
  let model: ModelView;
  let release: ReleaseView;

  beforeAll(async () => {
    fleet = await startRunningFleet(limits);
    const { file, weights } = writeModelFiles(readModel(writeOnnx(mapModel(0, { width: 800 }))), join(fleet.folder, 'map.onnx'), 0);
    const { digest } = await fleet.operator.pushModel({
      ...{ name: 'map', version: '1.0.0', file, card: mapCard },
      ...(weights === undefined ? {} : { weights: weights.file }),
    });
    model = await fleet.operator.waitForBuilds(digest);
    await fleet.operator.pushPipeline(findBoxes);
    const policies = {
      egress: { outputs: ['boxes'], edges: [], sinks: [] },
      capture: { enabled: false },
      retention: { resultDays: 30 },
      power: {},
    };
    release = await fleet.operator.createRelease({ name: 'large', pipeline: `${findBoxes.name}@${findBoxes.version}`, policies });
    agent = await fleet.startAgent('agent', { release });
  });
  afterAll(async () => {
    await fleet?.stop();
  });

  const filesOf = ({ document: { blob, weights } }: ArtefactView): string[] => [blob.digest, weights?.digest ?? 'none'];

  const infer = async (): Promise<number> => {
    const body = new Uint8Array(await paintPlain(9, 9, 9));
    return (await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body })).status;
  };

  test('is built into artefacts of two files each', () => {
    expect(model.artefacts.map(({ precision, document }) => [precision, document.weights !== undefined]).sort()).toEqual([
      ['fp16', true],
      ['fp32', true],
      ['int8', true],
    ]);
  });

  test('runs on a device, which has both files of what was chosen for it under their digests', async () => {
    const { reported } = await fleet.untilRunning(agent.ready.device, release);
    const chosen = model.artefacts.find(({ digest }) => digest === reported?.running?.artefacts.map) ?? expect.unreachable();
    expect(reported).toMatchObject({ running: { verified: true }, refused: [] });
    const folder = join(fleet.agentFolder('agent'), 'blobs');
    expect((await readdir(folder)).sort()).toEqual(filesOf(chosen).sort());
    expect(await infer()).toBe(200);
    // The engine keeps nothing of it: that would be one file.
    expect(await readdir(join(fleet.agentFolder('agent'), 'optimised')).catch(() => [])).toEqual([]);
  });

  test('is measured in every artefact, and what was fetched for that is gone afterwards', async () => {
    const folder = join(fleet.agentFolder('agent'), 'blobs');
    const before = await readdir(folder);
    const artefacts = model.artefacts.map(({ digest }) => ({ artefact: digest, modelVersion: model.digest }));
    const { id } = await fleet.client.call(api.commandDevice, {
      params: { id: agent.ready.device },
      body: { name: 'benchmark', arguments: { ...anyLoad, artefacts, runs: 3, warmUpRuns: 1 }, waitMs: 0 },
    });
    const ended = async (): Promise<CommandView | false> => {
      const command = await fleet.client.call(api.showCommand, { params: { id } });
      return (command.result !== null || command.error !== null) && command;
    };
    const { error, result } = await until('the benchmark is over', ended, 180_000);
    expect(error).toBeNull();
    expect(result).toMatchObject({ artefacts: artefacts.map(({ artefact }) => ({ artefact, record: { runs: 3 } })) });
    expect((await readdir(folder)).sort()).toEqual(before.sort());
  });

  test('comes back whole after its weights were damaged on the disk', async () => {
    const { reported } = await fleet.device(agent.ready.device);
    const chosen = model.artefacts.find(({ digest }) => digest === reported?.running?.artefacts.map) ?? expect.unreachable();
    await agent.stop();
    const weights = join(fleet.agentFolder('agent'), 'blobs', chosen.document.weights?.digest ?? '');
    const { size } = await stat(weights);
    await truncate(weights, size - 1);
    agent = await fleet.startAgent('agent');
    await until('the weights are whole again', async () => (await stat(weights).catch(() => undefined))?.size === size);
    await until('answers', async () => (await infer()) === 200);
  });

  test('is taken up to what the fleet allows', async () => {
    const upload = (mebibytes: number) =>
      fleet.client.call(api.upload, { query: { kind: 'weights' }, raw: new Uint8Array(mebibytes * 1024 ** 2) });
    await expect(upload(6)).resolves.toBeDefined();
    await expect(upload(6.1)).rejects.toMatchObject({ code: 'upload-too-large', hint: 'raise weightsMebibytes of the fleet' });
  });

  test('is refused with weights that it does not name, and without any', async () => {
    const { file, weights } = writeModelFiles(readModel(writeOnnx(mapModel(1, { width: 64 }))), join(fleet.folder, 'other.onnx'), 0);
    await writeFile(join(fleet.folder, 'zeros'), new Uint8Array(50_000));
    const push = (given?: string) =>
      fleet.operator.pushModel({
        ...{ name: 'other', version: '1.0.0', file, card: mapCard },
        ...(given === undefined ? {} : { weights: given }),
      });
    await expect(push(join(fleet.folder, 'zeros'))).rejects.toMatchObject({ code: 'external-data-path', field: 'weights' });
    await expect(push()).rejects.toMatchObject({ code: 'external-data-missing' });
    await expect(push(weights?.file)).resolves.toMatchObject({ document: { weights: { digest: weights?.digest } } });
  });
});
