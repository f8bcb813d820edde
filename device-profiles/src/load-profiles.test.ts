import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStarlingError } from '@starling/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadProfiles } from './index.ts';

const good = `
schemaVersion: 1
name: board
title: Board
architecture: arm64
match: { environment: node }
executionProviders: [cpu]
acceleratedPrecisions: [fp32]
memoryBudgetBytes: 1000
powerModel: { idleWatts: 1, maximumWatts: 2, source: a data sheet }
sources: [{ fields: [powerModel], citation: a data sheet }]
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'profiles-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function failureOf(path: string): { code: string; field: string | undefined; message: string } {
  try {
    loadProfiles(path);
  } catch (error) {
    if (isStarlingError(error)) return { code: error.code, field: error.field, message: error.message };
    throw error;
  }
  throw new Error('the profiles were accepted');
}

describe('the shipped profiles', () => {
  const profiles = loadProfiles();

  test('cover the hardware that Starling names', () => {
    expect(profiles.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'apple-silicon',
        'arm64',
        'axis-artpec-8',
        'browser-wasm',
        'browser-webgpu',
        'cloud-x86-64',
        'jetson-agx-orin',
        'jetson-nano',
        'jetson-orin-nano',
        'raspberry-pi-4',
        'raspberry-pi-5',
        'rockchip-rk3588',
        'x86-64',
        'x86-64-avx-vnni',
        'x86-64-avx512-vnni',
      ]),
    );
  });

  test.each(profiles.map((profile) => [profile.name, profile] as const))('%s says where each of its figures comes from', (_, profile) => {
    const sourced = new Set(profile.sources.flatMap(({ fields }) => fields));
    const wanted = ['executionProviders', 'acceleratedPrecisions', 'memoryBudgetBytes', 'powerModel'] as const;
    expect([...sourced]).toEqual(expect.arrayContaining([...wanted]));
    expect(sourced.has('pricePerHourUsd') || profile.pricePerHourUsd?.source.startsWith('estimate') !== false).toBe(true);
    expect(sourced.has('energySensors')).toBe(profile.energySensors.length > 0);
    for (const { citation, url } of profile.sources) {
      // A source without an address must be a quotation of something or our own judgement, said so.
      expect(url !== undefined || /^estimate|"|^measured|[0-9]/.test(citation), citation).toBe(true);
    }
  });
});

describe('a folder of profiles', () => {
  test('is read in the order of names', () => {
    for (const name of ['zebra', 'board', 'ant']) writeFileSync(join(folder, `${name}.yaml`), good.replace('name: board', `name: ${name}`));
    writeFileSync(join(folder, 'README.md'), 'no profile');
    expect(loadProfiles(folder).map(({ name }) => name)).toEqual(['ant', 'board', 'zebra']);
  });

  test.each([
    ['a wrong figure', good.replace('idleWatts: 1', 'idleWatts: -1'), 'board.yaml:powerModel.idleWatts'],
    ['a figure that contradicts another', good.replace('idleWatts: 1', 'idleWatts: 3'), 'board.yaml:powerModel.maximumWatts'],
    ['a missing field', good.replace('title: Board', ''), 'board.yaml:title'],
    ['a misspelt rule', good.replace('environment: node', 'environment: node, gpus: x'), 'board.yaml:match'],
    ['an expression that does not compile', good.replace('environment: node', 'environment: node, cpu: "["'), 'board.yaml:match.cpu'],
    ['another name than its file', good.replace('name: board', 'name: bread'), 'board.yaml:name'],
    ['broken YAML', `${good}\n  : : :`, 'board.yaml'],
    ['no content', '', 'board.yaml'],
  ])('that holds %s is refused with file and field', (_, text, field) => {
    writeFileSync(join(folder, 'board.yaml'), text);
    const failure = failureOf(folder);
    expect(failure).toMatchObject({ code: 'invalid-profile', field });
    expect(failure.message).toContain('board.yaml');
  });

  test('that is empty or absent is refused', () => {
    expect(failureOf(folder)).toMatchObject({ code: 'no-profiles', field: folder });
    expect(failureOf(join(folder, 'absent'))).toMatchObject({ code: 'invalid-profile', field: join(folder, 'absent') });
  });
});

describe('compiled profiles', () => {
  test('are the same as those in YAML', () => {
    const file = join(folder, 'dist', 'profiles.json');
    execFileSync(process.execPath, [join(import.meta.dirname, '../scripts/compile.ts'), file]);
    expect(loadProfiles(file)).toEqual(loadProfiles());
  });

  test('are checked again when they are read', () => {
    const file = join(folder, 'profiles.json');
    const [first] = loadProfiles();
    writeFileSync(file, JSON.stringify([first, first]));
    expect(failureOf(file)).toMatchObject({ code: 'invalid-profile', field: 'profiles.json:name' });
    writeFileSync(file, JSON.stringify([{ ...first, memoryBudgetBytes: 0 }]));
    expect(failureOf(file)).toMatchObject({ code: 'invalid-profile', field: 'profiles.json[0]:memoryBudgetBytes' });
    writeFileSync(file, JSON.stringify({}));
    expect(failureOf(file)).toMatchObject({ code: 'invalid-profile', field: 'profiles.json' });
    writeFileSync(file, readFileSync(file, 'utf8').slice(1));
    expect(failureOf(file)).toMatchObject({ code: 'invalid-profile', field: 'profiles.json' });
  });
});
