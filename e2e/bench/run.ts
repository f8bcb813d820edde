import { parseArgs } from 'node:util';
import { isStarlingError, messageOf, StarlingError } from '@starling/shared';
import { keepResult, stampOf } from './kept.ts';
import type { BenchOptions } from './parts.ts';
import { benches, findBench, requireParts } from './registry.ts';
import { judge, tableOf } from './result.ts';

const help = [
  'npm run bench -- NAME [NAME ...] [--part PART ...] [--scenes N] [--devices N] [--seconds N] [--webgpu-scenes N] [--gpu software|native]',
  '',
  'Measures side by side in one run, shows a table and keeps it in e2e/bench/results/NAME.json.',
  'Ends with 1 if a target is missed, with 2 if a part failed. Run it on a machine that does nothing else.',
  '--part runs only a part of a bench and keeps its figures beside those that are kept of the other parts.',
  '--scenes N tries quantise or browser with fewer scenes, --devices N and --seconds N try fleet10k with fewer devices and for less time:\nwhat comes out is shown and not kept.',
  '--webgpu-scenes N is for browser: by default 1 on the software adapter and all on a GPU of the machine, which --gpu native takes.',
  '',
  ...Object.entries(benches).flatMap(([name, { about, parts }]) => [
    `  ${name.padEnd(12)}${about}`,
    ...(parts === undefined ? [] : [`  ${''.padEnd(12)}parts: ${parts.join(', ')}`]),
  ]),
].join('\n');

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', default: false },
      scenes: { type: 'string' },
      part: { type: 'string', multiple: true },
      devices: { type: 'string' },
      seconds: { type: 'string' },
      'webgpu-scenes': { type: 'string' },
      gpu: { type: 'string' },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (positionals.length === 0)
    throw new StarlingError('no-bench', 'no bench was named', { field: 'NAME', hint: 'npm run bench -- --help lists them' });
  const options = optionsOf(values);
  const isTry = options.scenes !== undefined || options.devices !== undefined || options.seconds !== undefined;
  const chosen = positionals.map((name) => ({ name, bench: findBench(name) }));
  for (const name of positionals) requireParts(name, options.parts ?? []);
  let missed = 0;
  let failed = 0;
  for (const { name, bench } of chosen) {
    console.log(`${name}: ${bench.about}`);
    const measure = await bench.load();
    const stamp = stampOf(new Date());
    const found = await measure((line) => console.log(`  ${line}`), options);
    const { measures, failures } = Array.isArray(found) ? { measures: found, failures: [] } : found;
    if (measures.length === 0)
      throw new StarlingError('bench-failed', `no part of ${name} ended: ${failures[0]?.message ?? 'it has none'}`);
    const result = judge(
      name,
      measures.map((each) => ({ ...each, ...stamp })),
      failures,
    );
    const place = isTry ? 'only a try: not kept' : `kept in ${await keepResult(result, { bench, parts: options.parts })}`;
    console.log(`\n${tableOf(result)}\n\n${place}\n`);
    missed += result.measures.filter(({ met }) => met === false).length;
    failed += failures.length;
  }
  return failed > 0 ? 2 : missed > 0 ? 1 : 0;
}

interface OptionTexts {
  scenes?: string | undefined;
  part?: string[] | undefined;
  devices?: string | undefined;
  seconds?: string | undefined;
  'webgpu-scenes'?: string | undefined;
  gpu?: string | undefined;
}

function optionsOf({ scenes, part, devices, seconds, 'webgpu-scenes': webgpuScenes, gpu }: OptionTexts): BenchOptions {
  if (gpu !== undefined && gpu !== 'software' && gpu !== 'native') {
    throw new StarlingError('invalid-option', `"${gpu}" is no kind of GPU`, { field: '--gpu', hint: 'give software or native' });
  }
  return {
    ...(scenes === undefined ? {} : { scenes: countOf('--scenes', scenes, 1) }),
    ...(part === undefined ? {} : { parts: part }),
    ...(devices === undefined ? {} : { devices: countOf('--devices', devices, 1) }),
    ...(seconds === undefined ? {} : { seconds: countOf('--seconds', seconds, 1) }),
    ...(webgpuScenes === undefined ? {} : { webgpuScenes: countOf('--webgpu-scenes', webgpuScenes, 0) }),
    ...(gpu === undefined ? {} : { gpu }),
  };
}

function countOf(field: string, text: string, minimum: number): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= minimum && text !== '') return count;
  throw new StarlingError('invalid-option', `"${text}" is no number`, { field, hint: 'give a whole number, such as 20' });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(messageOf(error));
    if (isStarlingError(error) && error.hint !== undefined) console.error(`  ${error.hint}`);
    process.exit(2);
  },
);
