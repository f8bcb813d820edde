import { parseArgs } from 'node:util';
import { isStarlingError, messageOf, StarlingError } from '@starling/shared';
import type { BenchOptions } from './parts.ts';
import { benches, findBench } from './registry.ts';
import { judge, keepResult, tableOf } from './result.ts';

const help = [
  'npm run bench -- NAME [NAME ...] [--scenes N]',
  '',
  'Measures side by side in one run, shows a table and keeps it in e2e/bench/results/NAME.json.',
  'Ends with 1 if a target is missed, with 2 if a part failed. Run it on a machine that does nothing else.',
  '--scenes N tries quantise with N scenes instead of 300; what comes out is shown and not kept.',
  '',
  ...Object.entries(benches).map(([name, { about }]) => `  ${name.padEnd(12)}${about}`),
].join('\n');

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', default: false }, scenes: { type: 'string' } },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (positionals.length === 0)
    throw new StarlingError('no-bench', 'no bench was named', { field: 'NAME', hint: 'npm run bench -- --help lists them' });
  const options = optionsOf(values.scenes);
  const chosen = positionals.map((name) => ({ name, bench: findBench(name) }));
  let missed = 0;
  let failed = 0;
  for (const { name, bench } of chosen) {
    console.log(`${name}: ${bench.about}`);
    const measure = await bench.load();
    const found = await measure((line) => console.log(`  ${line}`), options);
    const { measures, failures } = Array.isArray(found) ? { measures: found, failures: [] } : found;
    if (measures.length === 0)
      throw new StarlingError('bench-failed', `no part of ${name} ended: ${failures[0]?.message ?? 'it has none'}`);
    const result = judge(name, measures, failures);
    const place = options.scenes === undefined ? `kept in ${await keepResult(result)}` : `only ${options.scenes} scenes: not kept`;
    console.log(`\n${tableOf(result)}\n\n${place}\n`);
    missed += result.measures.filter(({ met }) => met === false).length;
    failed += failures.length;
  }
  return failed > 0 ? 2 : missed > 0 ? 1 : 0;
}

function optionsOf(scenes: string | undefined): BenchOptions {
  if (scenes === undefined) return {};
  const count = Number(scenes);
  if (Number.isInteger(count) && count > 0) return { scenes: count };
  throw new StarlingError('invalid-option', `"${scenes}" is no number of scenes`, {
    field: '--scenes',
    hint: 'give a whole number, such as 20',
  });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(messageOf(error));
    if (isStarlingError(error) && error.hint !== undefined) console.error(`  ${error.hint}`);
    process.exit(2);
  },
);
