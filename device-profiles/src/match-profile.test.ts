import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Capabilities, capabilitiesSchema, type DeviceProfile, profileReasonSchema } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadProfiles, matchProfile } from './index.ts';

const profiles = loadProfiles();
const folder = join(import.meta.dirname, '../recordings');
const recordings = readdirSync(folder).map((file) => {
  const { origin, capabilities } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  return { name: file.replace('.json', ''), origin, capabilities: capabilitiesSchema.parse(capabilities) };
});

function recorded(name: string): Capabilities {
  const found = recordings.find((recording) => recording.name === name);
  if (found === undefined) throw new Error(`there is no recording ${name}`);
  return found.capabilities;
}

/** Recording, the profile that must win, and the reason that decides it. */
const expected: [string, string, string][] = [
  ['ampere-altra', 'arm64-dotprod', 'has asimddp (+8)'],
  ['axis-artpec-8', 'axis-artpec-8', 'device tree "ARTPEC-8 grizzly board" matches /artpec-?8/ (+128)'],
  ['browser-chrome-android', 'browser-webgpu-fp16', 'has shader-f16 (+8)'],
  ['browser-chrome-lost-adapter', 'browser-wasm', 'runs in a browser (+3)'],
  ['browser-chrome-windows', 'browser-webgpu-fp16', 'has shader-f16 (+8)'],
  ['browser-chromium-swiftshader', 'browser-webgpu', 'a model ran on webgpu (+8)'],
  ['browser-firefox-android', 'browser-wasm', 'runs in a browser (+3)'],
  ['browser-safari-17', 'browser-wasm', 'runs in a browser (+3)'],
  ['browser-safari-iphone', 'browser-webgpu-fp16', 'has shader-f16 (+8)'],
  ['jetson-agx-orin', 'jetson-agx-orin', 'device tree "NVIDIA Jetson AGX Orin Developer Kit" matches /agx orin|nvidia,p3701-/ (+128)'],
  [
    'jetson-nano',
    'jetson-nano',
    'device tree "NVIDIA Jetson Nano Developer Kit" matches /jetson nano|nvidia,(jetson-nano|p3450-|p3541-)/ (+128)',
  ],
  [
    'jetson-orin-nano',
    'jetson-orin-nano',
    'device tree "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super" matches /orin nano|nvidia,p3767-000[345]/ (+128)',
  ],
  [
    'jetson-orin-nx',
    'jetson-orin-nx',
    'device tree "NVIDIA Jetson Orin NX Engineering Reference Developer Kit" matches /orin nx|nvidia,p3767-000[01]/ (+128)',
  ],
  ['macbook-m1', 'apple-silicon', 'processor "Apple Apple M1" matches /apple m\\d/ (+16)'],
  ['pc-core-i7-9700k', 'x86-64', 'architecture x64 (+2)'],
  ['pc-core-i9-14900t', 'x86-64-avx-vnni', 'has avx_vnni (+8)'],
  ['radxa-rock-5b', 'rockchip-rk3588', 'device tree "rockchip,rk3588" matches /rockchip,rk3588|rockchip,rk3582/ (+128)'],
  ['raspberry-pi-3', 'arm64', 'architecture arm64 (+2)'],
  [
    'raspberry-pi-4',
    'raspberry-pi-4',
    'device tree "Raspberry Pi 4 Model B Rev 1.4" matches /raspberry pi (4|compute module 4)|brcm,bcm2711/ (+128)',
  ],
  [
    'raspberry-pi-5',
    'raspberry-pi-5',
    'device tree "Raspberry Pi 5 Model B Rev 1.0" matches /raspberry pi (5|compute module 5)|brcm,bcm2712/ (+128)',
  ],
  ['server-xeon-gold-6530', 'x86-64-avx512-vnni', 'has avx512_vnni (+8)'],
  ['vm-epyc-milan', 'cloud-x86-64', 'is a virtual machine (+6)'],
  ['vm-graviton3', 'cloud-arm64', 'is a virtual machine (+6)'],
  ['vm-n150', 'x86-64-avx-vnni', 'has avx_vnni (+8)'],
  ['vm-xeon-ice-lake', 'cloud-x86-64-avx512-vnni', 'has avx512_vnni (+8)'],
];

describe('recorded devices', () => {
  test.each(expected)('%s is %s: %s', (name, profile, reason) => {
    const match = matchProfile(recorded(name), profiles);
    expect(match.profile).toBe(profile);
    expect(match.reason.reasons).toContain(reason);
    expect(profileReasonSchema.parse(match.reason)).toEqual(match.reason);
  });

  test('say where they come from, and are all expected somewhere', () => {
    expect(expected.map(([name]) => name)).toEqual(recordings.map(({ name }) => name));
    for (const { origin } of recordings) expect(origin).toMatch(/^(recorded|built from) /);
  });

  test('exist for every profile', () => {
    expect([...new Set(expected.map(([, profile]) => profile))].sort()).toEqual(profiles.map(({ name }) => name));
  });

  test('know why the next candidates lost', () => {
    const { runnersUp } = matchProfile(recorded('vm-epyc-milan'), profiles).reason;
    expect(runnersUp).toEqual([
      { profile: 'x86-64', score: 5, reason: 'fits too, but says less about this device: 5 against 11 points' },
      { profile: 'cloud-x86-64-avx512-vnni', score: 0, reason: 'does not fit: lacks avx512_vnni' },
      { profile: 'x86-64-avx-vnni', score: 0, reason: 'does not fit: lacks avx_vnni' },
      { profile: 'x86-64-avx512-vnni', score: 0, reason: 'does not fit: lacks avx512_vnni' },
    ]);
  });
});

describe('the match', () => {
  const devices = fc.constantFrom(...recordings.map(({ capabilities }) => capabilities));
  const orders = fc.shuffledSubarray(profiles, { minLength: profiles.length });

  test('does not depend on the order of profiles or features, or on when it is asked', () => {
    fc.assert(
      fc.property(devices, orders, fc.infiniteStream(fc.nat()), (capabilities, shuffled, numbers) => {
        const keyed = capabilities.cpu.isa.map((feature) => ({ feature, key: numbers.next().value ?? 0 }));
        const isa = keyed.sort((a, b) => a.key - b.key).map(({ feature }) => feature);
        const reordered = { ...capabilities, cpu: { ...capabilities.cpu, isa } };
        expect(matchProfile(reordered, shuffled)).toEqual(matchProfile(capabilities, profiles));
      }),
    );
  });

  test('takes the highest score of those that fit, and adds up what it tells', () => {
    fc.assert(
      fc.property(devices, (capabilities) => {
        const { score, reasons, runnersUp } = matchProfile(capabilities, profiles).reason;
        const told = reasons.map((reason) => Number(/\(\+(\d+)\)$/.exec(reason)?.[1]));
        expect(told.reduce((sum, points) => sum + points, 0)).toBe(score);
        for (const other of runnersUp) expect(other.score).toBeLessThanOrEqual(score);
      }),
    );
  });

  test('stays the same when the winner alone is left, and goes to the runner-up when it is gone', () => {
    fc.assert(
      fc.property(devices, (capabilities) => {
        const { profile, reason } = matchProfile(capabilities, profiles);
        expect(
          matchProfile(
            capabilities,
            profiles.filter(({ name }) => name === profile),
          ).profile,
        ).toBe(profile);
        const second = reason.runnersUp.find(({ score }) => score > 0);
        if (second === undefined) return;
        expect(
          matchProfile(
            capabilities,
            profiles.filter(({ name }) => name !== profile),
          ).profile,
        ).toBe(second.profile);
      }),
    );
  });

  test('survives any capabilities that the schema lets in', () => {
    const text = fc.string({ maxLength: 500, unit: 'binary' });
    fc.assert(
      fc.property(text, text, text, fc.array(text, { maxLength: 5 }), (model, vendor, userAgent, compatible) => {
        const capabilities = {
          ...recorded('raspberry-pi-3'),
          userAgent,
          deviceTree: { model, compatible },
          gpus: [{ vendor, name: model, api: 'x' }],
        };
        expect(profiles.map(({ name }) => name)).toContain(matchProfile(capabilities, profiles).profile);
      }),
      { numRuns: 40 },
    );
  });

  test('breaks a tie by name and says so', () => {
    const generic = named('arm64');
    const [first, second] = [
      { ...generic, name: 'a-board' },
      { ...generic, name: 'b-board' },
    ];
    for (const order of [
      [first, second],
      [second, first],
    ]) {
      const match = matchProfile(recorded('raspberry-pi-3'), order);
      expect(match.profile).toBe('a-board');
      expect(match.reason.runnersUp[0]?.reason).toBe('fits as well as a-board, which comes first by name');
    }
  });

  test('lets a rule about the board outweigh all others together', () => {
    const device = { ...recorded('raspberry-pi-5'), gpus: [{ vendor: 'Broadcom', name: 'V3D', api: 'vulkan' }], userAgent: 'x' };
    const everything: DeviceProfile = {
      ...named('arm64'),
      name: 'everything-else',
      match: {
        environment: 'node',
        architecture: ['arm64'],
        os: ['linux'],
        memoryBytes: { minimum: 1 },
        isa: [...device.cpu.isa],
        isaAbsent: ['sve'],
        virtualised: false,
        executionProviders: ['cpu'],
        cpu: 'cortex-a76',
        gpu: 'v3d',
        userAgent: 'x',
      },
    };
    const board: DeviceProfile = { ...named('arm64'), name: 'the-board', match: { environment: 'node', deviceTree: 'raspberry' } };
    const match = matchProfile(device, [everything, board]);
    expect(match.profile).toBe('the-board');
    expect(match.reason.runnersUp[0]?.score).toBeGreaterThan(50);
  });

  test.each<[string, DeviceProfile['match'], string]>([
    ['environment', { environment: 'browser' }, 'runs in Node'],
    ['architecture', { environment: 'node', architecture: ['x64'] }, 'architecture arm64'],
    ['os', { environment: 'node', os: ['darwin'] }, 'operating system linux'],
    ['deviceTree', { environment: 'node', deviceTree: 'jetson' }, 'device tree "Raspberry Pi 5 Model B Rev 1.0" does not match /jetson/'],
    ['cpu', { environment: 'node', cpu: 'apple' }, 'processor "ARM Cortex-A76" does not match /apple/'],
    ['isa', { environment: 'node', isa: ['asimddp', 'i8mm', 'sve'] }, 'lacks i8mm, sve'],
    ['isaAbsent', { environment: 'node', isaAbsent: ['asimddp'] }, 'has asimddp'],
    ['gpu', { environment: 'node', gpu: 'nvidia' }, 'there is no graphics adapter'],
    ['executionProviders', { environment: 'node', executionProviders: ['cuda'] }, 'no model ran on cuda'],
    ['userAgent', { environment: 'node', userAgent: 'chrome' }, 'there is no user agent'],
    ['virtualised', { environment: 'node', virtualised: true }, 'is no virtual machine'],
    ['least memory', { environment: 'node', memoryBytes: { minimum: 2 ** 40 } }, '8064 MiB of memory'],
    ['most memory', { environment: 'node', memoryBytes: { maximum: 2 ** 20 } }, '8064 MiB of memory'],
  ])('is refused by a rule on %s that does not hold', (_, match, because) => {
    const attempt = () => matchProfile(recorded('raspberry-pi-5'), [{ ...named('arm64'), match }]);
    expect(attempt).toThrow(expect.objectContaining({ code: 'no-profile', message: expect.stringContaining(because) }));
  });

  test('needs a provider that really ran, not one that is merely offered', () => {
    const device = recorded('jetson-nano');
    expect(device.executionProviders).toContainEqual(expect.objectContaining({ name: 'cuda', ran: false }));
    const wantsCuda: DeviceProfile = { ...named('arm64'), match: { environment: 'node', executionProviders: ['cuda'] } };
    expect(() => matchProfile(device, [wantsCuda])).toThrow(expect.objectContaining({ code: 'no-profile' }));
  });

  test('names the nearest profile when none fits', () => {
    const riscv = { ...recorded('raspberry-pi-3'), architecture: 'riscv64' };
    expect(() => matchProfile(riscv, profiles)).toThrow(
      expect.objectContaining({
        code: 'no-profile',
        field: 'capabilities',
        message: expect.stringContaining('the nearest is arm64, which does not fit: architecture riscv64'),
      }),
    );
  });
});

function named(name: string): DeviceProfile {
  const found = profiles.find((profile) => profile.name === name);
  if (found === undefined) throw new Error(`there is no profile ${name}`);
  return found;
}
