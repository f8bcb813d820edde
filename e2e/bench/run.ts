import { parseArgs } from 'node:util';
import { isStarlingError, messageOf, StarlingError } from '@starling/shared';
import { benches, findBench } from './registry.ts';
import { judge, keepResult, tableOf } from './result.ts';

const help = [
  'npm run bench -- NAME [NAME ...]',
  '',
  'Measures side by side in one run, shows a table and keeps it in e2e/bench/results/NAME.json.',
  'Ends with 1 if a target is missed. Run it on a machine that does nothing else.',
  '',
  ...Object.entries(benches).map(([name, { about }]) => `  ${name.padEnd(12)}${about}`),
].join('\n');

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean', default: false } } });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (positionals.length === 0)
    throw new StarlingError('no-bench', 'no bench was named', { field: 'NAME', hint: 'npm run bench -- --help lists them' });
  const chosen = positionals.map((name) => ({ name, bench: findBench(name) }));
  let missed = 0;
  for (const { name, bench } of chosen) {
    console.log(`${name}: ${bench.about}`);
    const measure = await bench.load();
    const result = judge(name, await measure((line) => console.log(`  ${line}`)));
    console.log(`\n${tableOf(result)}\n\nkept in ${await keepResult(result)}\n`);
    missed += result.measures.filter(({ met }) => met === false).length;
  }
  return missed === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(messageOf(error));
    if (isStarlingError(error) && error.hint !== undefined) console.error(`  ${error.hint}`);
    process.exit(2);
  },
);
