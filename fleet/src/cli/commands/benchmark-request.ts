import { api } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ContextOf, collect, examples, numberOption, readOptions, wordsSchema } from '../options.ts';
import { findModel } from '../references.ts';

const requestOptions = z.object({ profile: wordsSchema, devices: numberOption().int().min(1).max(20).default(3) });

/** `benchmark request` and `benchmark withdraw`: what the fleet is to have measured beside what devices run. */
export function defineBenchmarkRequest(benchmark: Command, contextOf: ContextOf): void {
  benchmark
    .command('request')
    .argument('<model>', 'name, name@version or digest')
    .summary('have idle devices measure a model, even if none of them runs it')
    .option('--profile <name>', 'devices of this profile; may be repeated (default: every profile that has a device)', collect)
    .option('--devices <n>', 'devices of each profile (default 3)')
    .addHelpText(
      'after',
      examples([
        'starling benchmark request text-detection@2.0.0 --profile raspberry-pi-5',
        'before a release: see "starling benchmark plan" for how far it is',
      ]),
    )
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { profile: profiles, devices } = readOptions(command, requestOptions);
      const { client } = await context.connect();
      const { digest, name, version } = await findModel(client, reference);
      const body = { devices, ...(profiles === undefined ? {} : { profiles }) };
      const answer = await client.call(api.requestMeasuring, { params: { digest }, body });
      const places = answer.items.map(({ profile }) => profile).join(', ');
      context.output.result(answer, () => `${name}@${version} is to be measured on ${places}; see "starling benchmark plan"`);
    });
  benchmark
    .command('withdraw')
    .argument('<model>', 'name, name@version or digest')
    .summary('ask no more devices to measure a model that was requested')
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const { digest, name, version } = await findModel(client, reference);
      const answer = await client.call(api.withdrawMeasuring, { params: { digest } });
      context.output.result(answer, () => `${name}@${version}: nobody is asked any more; what is under way goes on`);
    });
}
