import { api, type ExperimentAction, experimentStateSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { readExperimentFile } from '../experiment-file.ts';
import { describeExperiment, describeExperimentPreview, percentText } from '../experiment-text.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';
import { addStates, readStates } from '../states.ts';

const states = experimentStateSchema.options;
const fileOptions = z.object({ file: z.string().min(1), all: z.boolean().default(false), dryRun: z.boolean().default(false) });

export function defineExperimentCommands(program: Command, contextOf: ContextOf): void {
  const experiment = program
    .command('experiment')
    .summary('let releases challenge the one that devices run')
    .description('Start, read and end experiments: split, shadow, bandit. The guide is docs/guides/experiments.md.');
  defineCreate(experiment, contextOf);
  defineList(experiment, contextOf);
  defineShow(experiment, contextOf);
  defineAssignment(experiment, contextOf);
  for (const action of Object.keys(actions) as (keyof typeof actions)[]) defineAction(experiment, action, contextOf);
}

function defineCreate(experiment: Command, contextOf: ContextOf): void {
  experiment
    .command('create')
    .requiredOption('-f, --file <file>', 'the experiment, YAML or JSON')
    .option('--all', 'the selector is meant to match every device')
    .option('--dry-run', 'only say which devices would take part')
    .summary('start an experiment')
    .addHelpText(
      'after',
      examples(
        ['starling experiment create -f duel.yaml', 'on the devices of its selector'],
        ['starling experiment create -f duel.yaml --dry-run', 'which devices, and what stands in the way'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { file, all, dryRun } = readOptions(command, fileOptions);
      const { spec, atPlace } = await readExperimentFile(file);
      const { client } = await context.connect();
      const failed = (error: unknown): never => {
        throw atPlace(error);
      };
      if (dryRun) {
        const preview = await client.call(api.previewExperiment, { body: { spec, all } }).catch(failed);
        context.output.result(preview, () => describeExperimentPreview(preview));
        return;
      }
      const made = await client.call(api.createExperiment, { body: { spec, all } }).catch(failed);
      context.output.result(
        made,
        () => describeExperiment(made, context.output),
        () => [made.id],
      );
    });
}

function defineList(experiment: Command, contextOf: ContextOf): void {
  addStates(addPaging(experiment.command('list').alias('ls')), states)
    .summary('list experiments')
    .addHelpText('after', examples(['starling experiment list --open', 'what is being tried now']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const query = readStates(command, states);
      const { client } = await context.connect();
      const page = await fetchPages(command, (paging) => client.call(api.listExperiments, { query: { ...paging, ...query } }));
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'CHAMPION', value: ({ champion }) => champion.name },
          { title: 'CHALLENGERS', value: ({ challengers }) => challengers.map(({ name }) => name).join(', ') },
          { title: 'MODE', value: ({ mode }) => mode },
          { title: 'STATE', value: (each) => each.state },
          { title: 'DEVICES', value: ({ devices }) => devices, right: true },
          { title: 'CREATED', value: ({ createdAtMs }) => formatTime(createdAtMs) },
        ],
        name: ({ id }) => id,
        empty: 'no experiments yet; start one with "starling experiment create -f experiment.yaml"',
      });
    });
}

const showOptions = z.object({ devices: z.boolean().default(false), timeline: z.boolean().default(false) });

function defineShow(experiment: Command, contextOf: ContextOf): void {
  addPaging(experiment.command('show').argument('<experiment>', 'name or id'))
    .summary('one experiment: arms, intervals, verdict')
    .option('--devices', 'its devices instead')
    .option('--timeline', 'what happened instead, newest first')
    .addHelpText(
      'after',
      examples(
        ['starling experiment show duel', 'what is known by now'],
        ['starling experiment show duel --devices', 'who takes part, and where a challenger is off'],
      ),
    )
    .action(async (id: string, _options, command: Command) => {
      const context = contextOf(command);
      const { devices, timeline } = readOptions(command, showOptions);
      const { client } = await context.connect();
      const params = { id };
      if (devices) {
        const page = await fetchPages(command, (query) => client.call(api.listExperimentDevices, { params, query }));
        showPage(context, page, {
          columns: [
            { title: 'DEVICE', value: ({ name }) => name },
            { title: 'TAKES PART', value: ({ takesPart }) => (takesPart ? 'yes' : 'no') },
            { title: 'SINCE', value: ({ joinedAtMs }) => formatTime(joinedAtMs) },
            {
              title: 'ARMS',
              value: ({ arms }) =>
                arms.map(({ state, problem }) => `${state}${problem === undefined ? '' : ` (${problem.code})`}`).join(', '),
            },
            { title: 'WHY', value: ({ reason }) => reason },
          ],
          name: ({ device }) => device,
          empty: 'no device has taken part',
        });
        return;
      }
      if (timeline) {
        const page = await fetchPages(command, (query) => client.call(api.listExperimentEvents, { params, query }));
        showPage(context, page, {
          columns: [
            { title: 'AT', value: ({ atMs }) => formatTime(atMs) },
            { title: 'WHAT', value: ({ kind }) => kind },
            { title: 'BY', value: ({ actor }) => actor },
            { title: 'TEXT', value: ({ text }) => text },
          ],
          name: ({ sequence }) => `${sequence}`,
          empty: 'nothing has happened yet',
        });
        return;
      }
      const view = await client.call(api.showExperiment, { params });
      context.output.result(
        view,
        () => describeExperiment(view, context.output),
        () => [view.id],
      );
    });
}

function defineAssignment(experiment: Command, contextOf: ContextOf): void {
  experiment
    .command('arm')
    .argument('<experiment>', 'name or id')
    .argument('<key>', 'name of a stream, or key of an item')
    .summary('which release an item or stream goes to, by the shares of now')
    .addHelpText('after', examples(['starling experiment arm duel camera-7', 'champion or challenger']))
    .action(async (id: string, key: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const arm = await client.call(api.showArmOfItem, { params: { id }, query: { key } });
      context.output.result(
        arm,
        () => `${arm.name} (${arm.isChampion ? 'the champion' : 'a challenger'}; its point is ${percentText(arm.point)})`,
        () => [arm.release],
      );
    });
}

const actions: Readonly<Record<ExperimentAction, { summary: string; example: string }>> = {
  start: { summary: 'start a draft', example: 'what was created with "start: false"' },
  pause: { summary: 'send everything to the champion until it is resumed', example: 'until somebody has looked' },
  resume: { summary: 'go on with a paused experiment', example: 'with the shares of before' },
  stop: { summary: 'end it; devices go on with the champion', example: 'for good' },
  promote: { summary: 'end it, and take a release to all devices of the selector by a rollout', example: 'the winner' },
};

function defineAction(experiment: Command, action: ExperimentAction, contextOf: ContextOf): void {
  const { summary, example } = actions[action];
  const defined = experiment
    .command(action)
    .argument('<experiment>', 'name or id')
    .summary(summary)
    .option('--reason <text>', 'why, for the timeline and the audit')
    .addHelpText('after', examples([`starling experiment ${action} duel`, example]));
  if (action === 'promote') defined.option('--release <release>', 'which of its releases, by name or digest; the winner if not given');
  defined.action(async (id: string, _options, command: Command) => {
    const context = contextOf(command);
    const options = readOptions(
      command,
      z.object({ reason: z.string().min(1).max(1000).optional(), release: z.string().min(1).optional() }),
    );
    const { client } = await context.connect();
    const view = await client.call(api.actOnExperiment, { params: { id }, body: { action, ...options } });
    context.output.result(
      view,
      () => describeExperiment(view, context.output),
      () => [view.id],
    );
  });
}
