import { api, type ChoiceChange, type ReleaseObjective } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { cliError } from '../errors.ts';
import { addObjective, objectiveText, readObjective } from '../objective-options.ts';
import { type ContextOf, collect, examples, readOptions, wordsSchema } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime, shortDigest } from '../printable.ts';
import { findDevice } from '../references.ts';
import { formatFields } from '../table.ts';

const applyOptions = z.object({ device: wordsSchema, all: z.boolean().default(false) });
const objectiveOptions = z.object({ reset: z.boolean().default(false) });

const columns = [
  { title: 'DEVICE', value: ({ name }: ChoiceChange) => name },
  { title: 'PROFILE', value: ({ profile }: ChoiceChange) => profile },
  { title: 'MODEL', value: ({ model }: ChoiceChange) => model },
  { title: 'RUNS', value: ({ from }: ChoiceChange) => (from === null ? '-' : shortDigest(from)) },
  { title: 'BETTER', value: ({ to }: ChoiceChange) => shortDigest(to) },
  { title: 'WHY', value: ({ choice }: ChoiceChange) => choice.reason },
];

/** Why there is no proposal: nothing may be better, or nobody may know. */
export function nothingBetterText({ choices, unmeasured }: { choices: number; unmeasured: number }): string {
  if (choices === 0) return 'no device has a release';
  if (unmeasured === choices)
    return 'nothing is measured yet, so nothing is known to be better; "starling benchmark plan" shows what will be';
  const better = 'nothing is clearly better by what is measured so far';
  return unmeasured === 0 ? better : `${better}; ${unmeasured} of ${choices} choices are not measured yet`;
}

export function defineChoiceCommands(program: Command, contextOf: ContextOf): void {
  const choice = program
    .command('choice')
    .summary('which artefact each device runs, and which would be better')
    .description('Artefacts are chosen per device. New measurements propose another one; nothing changes until you apply it.');
  addPaging(choice.command('ls'))
    .summary('devices for which another artefact is clearly better by now')
    .addHelpText('after', examples(['starling choice ls', 'what would change, and why']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      let known = { choices: 0, unmeasured: 0 };
      const page = await fetchPages(command, async (query) => {
        const proposals = await client.call(api.listProposals, { query });
        known = proposals;
        return proposals;
      });
      showPage(context, page, { columns, name: ({ device }) => device, empty: nothingBetterText(known) });
    });
  addObjective(addPaging(choice.command('preview').argument('<release>', 'name or digest')))
    .summary('what another objective would change; changes nothing')
    .addHelpText(
      'after',
      examples(['starling choice preview read-signs-1 --minimise energy --max-loss 1 --max-p95 80', 'least energy within limits']),
    )
    .action(async (release: string, _options, command: Command) => {
      const context = contextOf(command);
      const objective = readObjective(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) => client.call(api.previewChoices, { query, body: { release, objective } }));
      showPage(context, page, { columns, name: ({ device }) => device, empty: 'this objective changes no choice' });
    });
  choice
    .command('apply')
    .summary('give devices what is proposed for them')
    .option('--device <device>', 'only this one; may be repeated', collect)
    .option('--all', 'every device that has a proposal')
    .addHelpText(
      'after',
      examples(['starling choice apply --device gate-3', 'one device'], ['starling choice apply --all', 'the whole fleet']),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { device: references, all } = readOptions(command, applyOptions);
      if (all === (references !== undefined)) {
        throw cliError('usage', 'which devices?', { field: '--device', hint: 'name some with --device, or give --all' });
      }
      const { client } = await context.connect();
      const devices = references === undefined ? undefined : await Promise.all(references.map((each) => findDevice(client, each)));
      const body = devices === undefined ? {} : { devices: devices.map(({ id }) => id) };
      const result = await client.call(api.applyProposals, { body });
      context.output.result(result, () => `${result.changed} ${result.changed === 1 ? 'device gets' : 'devices get'} another artefact`);
    });
}

/** `release objective`: shows it, or sets it where a flag says so. */
export function defineReleaseObjective(release: Command, contextOf: ContextOf): void {
  addObjective(release.command('objective').argument('<release>', 'name or digest'))
    .summary('by what its artefacts are chosen; with flags, choose by that from now on')
    .option('--reset', 'back to the objective of the release itself')
    .addHelpText(
      'after',
      examples(
        ['starling release objective read-signs-1', 'what holds now'],
        ['starling release objective read-signs-1 --minimise energy --max-p95 80', 'set it; then see "starling choice ls"'],
      ),
    )
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { reset } = readOptions(command, objectiveOptions);
      const { minimise, maxLoss, maxP95, maxJoules, maxMemory, maxSize, maxCost } = command.opts();
      const asked = [minimise, maxLoss, maxP95, maxJoules, maxMemory, maxSize, maxCost].some((value) => value !== undefined);
      if (reset && asked) throw cliError('usage', '--reset and an objective exclude each other', { field: '--reset' });
      const { client } = await context.connect();
      const params = { digest: reference };
      const view =
        reset || asked
          ? await client.call(api.setObjective, { params, body: { objective: reset ? null : readObjective(command) } })
          : await client.call(api.showObjective, { params });
      context.output.result(view, () => describeObjective(view));
    });
}

function describeObjective({ objective, origin, setAtMs, setBy }: ReleaseObjective): string {
  const origins = { fleet: 'set by an operator', release: 'of the signed release', default: 'the default' };
  return formatFields([
    ['objective', objectiveText(objective)],
    ['stands', origins[origin]],
    ['set', setAtMs === null ? undefined : `${formatTime(setAtMs)} by ${setBy}`],
  ]);
}
