import { isStarlingError } from '@starling/shared';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { PackedValue, Sandbox, Script, ScriptAnswer, ScriptCall } from './sandbox.ts';

const item = { stream: 'yard', sequence: 7, timeMs: 1_700_000_000_000 };

/** What scripts do in a run, and the code of the error that comes of it. */
const misdeeds: readonly (readonly [what: string, body: string, code: string])[] = [
  ['a loop', 'for (;;);', 'script-timeout'],
  ['a loop that catches', 'for (;;) { try { for (;;); } catch {} }', 'script-timeout'],
  ['a regular expression', '/^(a+)+$/.test("a".repeat(40) + "b");', 'script-timeout'],
  ['a step of the language that takes for ever', 'Array(2 ** 28).join("ab");', 'script-timeout'],
  ['recursion', '(function again() { again(); })();', 'script-stack-overflow'],
  ['JSON that is nested without end', 'JSON.parse("[".repeat(100000));', 'script-stack-overflow'],
  ['a long text', '"x".repeat(5e8);', 'script-out-of-memory'],
  ['a long list', 'new Array(1e8).fill(0);', 'script-out-of-memory'],
  ['arrays of numbers', 'const all = []; for (;;) all.push(new Float64Array(1e5));', 'script-out-of-memory'],
  ['an error', 'null.x;', 'script-failed'],
  ['null thrown', 'throw null;', 'script-failed'],
  ['an object that cannot be shown, thrown', 'throw new Proxy({}, { get() { throw this; }, ownKeys() { throw 1; } });', 'script-failed'],
  ['a symbol thrown', 'throw Symbol("x");', 'script-failed'],
  ['code of text', 'new Function("return 1")();', 'script-failed'],
  ['code of text by a constructor', '(async () => {}).constructor("return 1")();', 'script-failed'],
  ['a global of Node', 'process.exit(1);', 'script-failed'],
  ['a global of browsers', 'fetch("http://localhost");', 'script-failed'],
  ['a timer', 'setTimeout(() => {}, 1);', 'script-failed'],
  ['a number that is none', 'return { x: NaN };', 'wrong-type'],
  ['infinity inside', 'return { x: { y: [1, Infinity] } };', 'wrong-type'],
  ['a function', 'return { x: () => 1 };', 'wrong-type'],
  ['a map', 'return { x: new Map() };', 'wrong-type'],
  ['a large number', 'return { x: 1n };', 'wrong-type'],
  ['an array that no tensor has', 'return { x: new Float16Array(1) };', 'wrong-type'],
  ['itself', 'const x = {}; x.x = x; return { x };', 'wrong-type'],
  ['a number instead of outputs', 'return 5;', 'wrong-type'],
  ['a list instead of outputs', 'return [1];', 'wrong-type'],
  ['a getter that throws', 'return { get x() { throw 1; } };', 'script-failed'],
  [
    'other words for JSON',
    'Array.prototype.toJSON = () => 1; Object.defineProperty(Object.prototype, "toJSON", { value: () => 2 }); return { x: [1] };',
    'script-failed',
  ],
];

/** What a sandbox promises, on every runtime. @param open a sandbox to try. @param runs of each property */
export function describeSandbox(what: string, sandbox: () => Sandbox, runs: number): void {
  describe(`${what} as a sandbox`, () => {
    const opened: Script[] = [];
    let shared: Promise<Script> | undefined;
    afterAll(async () => {
      await Promise.all(opened.map((script) => script.close()));
    });
    const open = async (source: string, settings: { cpuMs?: number; memoryMegabytes?: number; params?: unknown } = {}): Promise<Script> => {
      const { cpuMs = 1000, memoryMegabytes = 16, params = {} } = settings;
      const script = await sandbox().open({ source, cpuMs, memoryMegabytes, params: JSON.stringify(params) });
      opened.push(script);
      return script;
    };
    const give = async (
      source: string,
      inputs: Record<string, unknown> = {},
      settings: Parameters<typeof open>[1] = {},
    ): Promise<unknown> => valuesOf(await (await open(source, settings)).run(callOf(inputs)));
    const codeOf = async (running: Promise<unknown>): Promise<string> =>
      running.then(
        (value) => `gave ${JSON.stringify(value)}`,
        (error: unknown) => (isStarlingError(error) ? error.code : `threw ${String(error)}`),
      );

    test('gives inputs, parameters and the item, and takes what is returned', async () => {
      const source = 'export default ({ x, y }, { params, item }) => ({ sum: x + y.z * params.factor, item })';
      expect(await give(source, { x: 1, y: { z: 2 } }, { params: { factor: 10 } })).toEqual({ sum: 21, item });
    });

    test('what is not returned stays away', async () => {
      const script = await open('export default ({ n }) => (n === 0 ? undefined : n === 1 ? { a: 1, b: undefined } : null)');
      expect(valuesOf(await script.run(callOf({ n: 0 })))).toEqual({});
      expect(valuesOf(await script.run(callOf({ n: 1 })))).toEqual({ a: 1 });
      expect(valuesOf(await script.run(callOf({ n: 2 })))).toEqual({});
    });

    test('carries any JSON unchanged', async () => {
      const script = await open('export default ({ value }) => ({ value })');
      await fc.assert(
        fc.asyncProperty(fc.jsonValue({ maxDepth: 6 }), async (value) => {
          expect(valuesOf(await script.run(callOf({ value })))).toEqual({ value: JSON.parse(JSON.stringify(value)) });
        }),
        { numRuns: runs },
      );
    });

    test('carries any text unchanged, halves of characters too', async () => {
      const script = await open('export default ({ value }) => ({ value, length: value.length })');
      await fc.assert(
        fc.asyncProperty(
          fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) }),
          async (value) => {
            expect(valuesOf(await script.run(callOf({ value })))).toEqual({ value, length: value.length });
          },
        ),
        { numRuns: runs },
      );
    });

    test('carries tensors, pictures and bytes as arrays of the same kind', async () => {
      const tensor = record({ elementType: 'float32', shape: [2, 2] }, 'data', Float32Array.of(1.5, Number.NaN, -0, 3e38));
      const wide = record({ elementType: 'int64', shape: [1] }, 'data', BigInt64Array.of(-9007199254740993n));
      const picture = record({ width: 1, height: 1 }, 'data', Uint8Array.of(1, 2, 3));
      const bytes: PackedValue = { kind: 'array', array: Uint8Array.of(9, 8) };
      const list: PackedValue = { kind: 'list', items: [picture, picture] };
      const script = await open('export default (inputs) => inputs');
      const inputs = { tensor, wide, picture, bytes, list };
      const answer = await script.run({ inputs, item, seed: '' });
      expect(answer.outputs).toEqual(inputs);
      // What went in can still be read here.
      expect((tensor as { array: Float32Array }).array[0]).toBe(1.5);
    });

    test('takes part of a larger array, and gives what a script makes of it', async () => {
      const part = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
      const source = `export default ({ t }) => {
        const data = new Float32Array(8).subarray(2, 4);
        for (let index = 0; index < 2; index += 1) data[index] = t.data[index] * 10;
        return { t: { ...t, data } };
      }`;
      const answer = await (await open(source)).run({ inputs: { t: record({ shape: [2] }, 'data', part) }, item, seed: '' });
      expect(answer.outputs).toEqual({ t: record({ shape: [2] }, 'data', Float32Array.of(20, 30)) });
    });

    test('nothing passes from run to run but the state', async () => {
      const source = `let runs = 0; const seen = []; Array.prototype.extra = 1;
        export default ({ value }, context) => {
          runs += 1; seen.push(value); globalThis.leak = (globalThis.leak ?? 0) + 1; Object.prototype.bad = value;
          if (context.state) context.state.count = (context.state.count ?? 0) + 1;
          return { runs, seen, leak: globalThis.leak, extra: [].extra };
        }`;
      const script = await open(source);
      const first = await script.run({ ...callOf({ value: 'a' }), state: '{}' });
      const second = await script.run({ ...callOf({ value: 'b' }), state: first.state });
      expect([first.state, second.state]).toEqual(['{"count":1}', '{"count":2}']);
      expect(valuesOf(second)).toEqual({ runs: 1, seen: ['b'], leak: 1, extra: 1 });
    });

    test('a state may be replaced, and is not there unless it is kept', async () => {
      const script = await open('export default (inputs, context) => { const had = context.state; context.state = [1]; return { had }; }');
      const kept = await script.run({ ...callOf({}), state: '{"a":2}' });
      expect([kept.state, valuesOf(kept)]).toEqual(['[1]', { had: { a: 2 } }]);
      const plain = await script.run(callOf({}));
      expect([plain.state, valuesOf(plain)]).toEqual([undefined, {}]);
    });

    test('time is that of the item, in a zone without offset; chance follows from the seed', async () => {
      const source = `const loaded = Date.now();
        export default () => ({
          loaded, now: Date.now(), at: new Date().toString(), local: new Date(2024, 6, 1, 12).getTime(), zone: new Date(0).getTimezoneOffset(),
          parsed: Date.parse('2024-07-01T12:00:00'), chance: [Math.random(), Math.random()],
        })`;
      expect(await give(source)).toEqual({
        ...{ loaded: 0, now: item.timeMs, at: 'Tue Nov 14 2023 22:13:20 GMT+0000', local: 1_719_835_200_000, zone: 0 },
        ...{ parsed: 1_719_835_200_000, chance: [0.5813543907183641, 0.42349177814219996] },
      });
      const script = await open(source);
      const chanceOf = async (seed: string): Promise<unknown> =>
        (valuesOf(await script.run({ ...callOf({}), seed })) as { chance: unknown }).chance;
      expect(await chanceOf('a')).toEqual(await chanceOf('a'));
      expect(await chanceOf('a')).not.toEqual(await chanceOf('b'));
    });

    test('computes the same everywhere', async () => {
      const source = `export default () => {
        let sum = 0;
        for (let step = 1; step < 500; step += 1) sum += Math.sin(step) * Math.exp(step / 100) + Math.pow(step, 0.3) / Math.log1p(step) + Math.tanh(step / 7) - Math.cbrt(step);
        const words = ['é', 'e', 'z', 'Ä', 'a'].sort((one, other) => one.localeCompare(other)).join('');
        return { sum, words, shown: (0.1 + 0.2).toString() + (1e21).toLocaleString() + (123.456).toFixed(1), upper: 'straße'.toUpperCase(), normal: 'é'.normalize('NFD').length };
      }`;
      expect(await give(source)).toEqual({
        ...{ sum: -1853.7096262167468, words: 'aezÄé', shown: '0.300000000000000041e+21123.5', upper: 'STRASSE', normal: 2 },
      });
    });

    test('async functions may wait for what comes by itself', async () => {
      expect(await give('export default async ({ x }) => { for (let n = 0; n < 3; n += 1) await null; return { x }; }', { x: 4 })).toEqual({
        x: 4,
      });
      expect(await codeOf(give('export default () => new Promise(() => {})'))).toBe('script-unsettled');
      expect(await codeOf(give('export default async () => { await import("fs"); }'))).toBe('script-failed');
      expect(await codeOf(give('export default async () => { throw new TypeError("no") }'))).toBe('script-failed');
      expect(await codeOf(give('export default async () => { for (;;) await null; }'))).toBe('script-timeout');
    });

    test.each([
      ['a syntax error', 'export default () => {\n  let x = ;\n}', 'line 2'],
      ['no default export', 'export const f = 1;', 'default export'],
      ['a default export that is no function', 'export default 5;', 'no function'],
      ['an import', 'import fs from "fs"; export default () => ({})', 'import'],
      ['an error at the top', 'null.x; export default () => ({})', 'line 1'],
      ['a module that never ends', 'for (;;); export default () => ({})', 'too long'],
      ['a module that waits for ever', 'await new Promise(() => {}); export default () => ({})', 'never comes'],
      ['a module that is nested too deep', `export default () => ${'['.repeat(30_000)}`, ''],
      ['a module without room', 'const all = []; for (;;) all.push(new Array(10000).fill(1)); export default () => ({})', ''],
    ])('refuses %s when it is opened', async (_what, source, said) => {
      const error = await open(source).catch((cause: unknown) => cause);
      expect(isStarlingError(error) && error.code).toBe('invalid-script');
      expect(isStarlingError(error) && error.message).toContain(said);
    });

    test.each(misdeeds)('names %s, and goes on', async (what, _body, code) => {
      shared ??= open(
        `const misdeeds = {
        ${misdeeds.map(([name, body]) => `${JSON.stringify(name)}() { ${body} },`).join('\n')}
      };
      export default ({ misdeed }) => misdeed === undefined ? { fine: 1 } : misdeeds[misdeed]();`,
        { cpuMs: 300 },
      );
      const script = await shared;
      expect(await codeOf(script.run(callOf({ misdeed: what })))).toBe(code);
      expect(valuesOf(await script.run(callOf({})))).toEqual({ fine: 1 });
    });

    test('says where in the script it happened, and where in the outputs', async () => {
      const failed = await give('export default () => {\n\n  return null.x;\n}').catch((error: unknown) => error);
      expect(isStarlingError(failed) && failed.message).toMatch(/line 3, column \d+/);
      const unfit = await give('export default () => ({ boxes: [{ x: 1 }, { x: NaN }] })').catch((error: unknown) => error);
      expect(isStarlingError(unfit) && unfit.message).toContain('outputs.boxes[1].x is NaN');
    });

    test('counts what goes in as memory, and a state that grows too long', async () => {
      const script = await open('export default ({ t }, context) => { context.state = "x".repeat(t?.data.length ?? 3e5); return {}; }', {
        memoryMegabytes: 1,
      });
      const large = record({ shape: [300_000] }, 'data', new Float32Array(300_000));
      expect(await codeOf(script.run({ inputs: { t: large }, item, seed: '' }))).toBe('script-out-of-memory');
      expect(await codeOf(script.run({ ...callOf({}), state: '{}' }))).toBe('too-large');
    });

    test('bounds what goes out, and what is held at once', async () => {
      const script = await open('export default ({ n }) => ({ x: "x".repeat(n) })', { cpuMs: 10_000, memoryMegabytes: 64 });
      expect(await codeOf(script.run(callOf({ n: 5e6 })))).toBe('too-large');
      for (const memoryMegabytes of [2, 16, 40]) {
        const hoarder = await open(
          'export default ({ n }) => { const all = []; while (all.length < n) all.push(new Uint8Array(1e5)); return { n }; }',
          {
            ...{ cpuMs: 10_000, memoryMegabytes },
          },
        );
        expect(valuesOf(await hoarder.run(callOf({ n: memoryMegabytes * 8 })))).toEqual({ n: memoryMegabytes * 8 });
        expect(await codeOf(hoarder.run(callOf({ n: memoryMegabytes * 13 })))).toBe('script-out-of-memory');
        expect(valuesOf(await hoarder.run(callOf({ n: memoryMegabytes * 8 })))).toEqual({ n: memoryMegabytes * 8 });
      }
    });

    test('memory that ran out is told, whatever the script makes of it', async () => {
      const hides = `export default () => { const all = []; try { for (;;) all.push({ all: [] }); } catch {} all.length = 0; return { fine: 1 }; }`;
      expect(await codeOf(give(hides, {}, { cpuMs: 10_000 }))).toBe('script-out-of-memory');
    });

    test('one script that never ends holds no other up', async () => {
      const [bad, good] = [
        await open('export default () => { for (;;); }', { cpuMs: 5000 }),
        await open('export default () => ({ fine: 1 })'),
      ];
      let isDone = false;
      const failing = codeOf(bad.run(callOf({}))).finally(() => {
        isDone = true;
      });
      for (let count = 0; count < 5; count += 1) expect(valuesOf(await good.run(callOf({})))).toEqual({ fine: 1 });
      expect(isDone).toBe(false);
      expect(await failing).toBe('script-timeout');
    });

    test('runs one after the other, skips those that nobody waits for, and ends what runs when it is closed', async () => {
      const script = await open('export default ({ ms }) => { const end = 1e7 * ms; for (let n = 0; n < end; n += 1); return { ms }; }', {
        cpuMs: 10_000,
      });
      const [first, second] = [script.run(callOf({ ms: 0 })), script.run(callOf({ ms: 0.001 }))];
      expect([valuesOf(await second), valuesOf(await first)]).toEqual([{ ms: 0.001 }, { ms: 0 }]);
      const abort = new AbortController();
      const skipped = script.run(callOf({ ms: 0 }), abort.signal);
      abort.abort(new TypeError('nobody waits'));
      await expect(skipped).rejects.toThrow('nobody waits');
      const running = codeOf(script.run(callOf({ ms: 1e6 })));
      await script.close();
      expect(await running).toBe('cancelled');
      expect(await codeOf(script.run(callOf({ ms: 0 })))).toBe('cancelled');
    });
  });
}

export function callOf(inputs: Record<string, unknown>): ScriptCall {
  const packed = Object.entries(inputs).map(([port, value]): [string, PackedValue] => [
    port,
    { kind: 'json', text: JSON.stringify(value) },
  ]);
  return { inputs: Object.fromEntries(packed), item, seed: 'seed' };
}

export function valuesOf({ outputs }: ScriptAnswer): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(outputs).map(([port, packed]) => [port, packed.kind === 'json' ? JSON.parse(packed.text) : packed]),
  );
}

function record(fields: object, field: string, array: Extract<PackedValue, { kind: 'array' }>['array']): PackedValue {
  return { kind: 'record', text: JSON.stringify(fields), field, array };
}
