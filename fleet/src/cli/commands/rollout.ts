import { api, type RolloutAction, type RolloutDetail, rolloutStateSchema, targetStateSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { cliError } from '../errors.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime, shortDigest } from '../printable.ts';
import { readRolloutFile } from '../rollout-file.ts';
import { countsText, describePreview, describeRollout } from '../rollout-text.ts';
import { addStates, readStates } from '../states.ts';
import { watchRollout } from './rollout-watch.ts';

const fileOptions = z.object({
  file: z.string().min(1),
  all: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  watch: z.boolean().default(false),
});
const states = rolloutStateSchema.options;

export function defineRolloutCommands(program: Command, contextOf: ContextOf): void {
  const rollout = program
    .command('rollout')
    .summary('move many devices to a release, in waves')
    .description('Start, watch and steer rollouts. The guide is docs/guides/rollouts.md.');
  defineCreate(rollout, contextOf);
  defineReading(rollout, contextOf);
  for (const action of Object.keys(actions) as (keyof typeof actions)[]) defineAction(rollout, action, contextOf);
  defineStop(rollout, contextOf);
}

function defineCreate(rollout: Command, contextOf: ContextOf): void {
  const withFile = (command: Command): Command =>
    command.requiredOption('-f, --file <file>', 'the rollout, YAML or JSON').option('--all', 'the selector is meant to match every device');
  withFile(rollout.command('create'))
    .summary('start a rollout')
    .option('--dry-run', 'only say what it would do, as "preview" does')
    .option('--watch', 'watch it until it has ended')
    .addHelpText(
      'after',
      examples(
        ['starling rollout create -f rollout.yaml', 'canary first, then the steps of the file'],
        ['starling rollout create -f rollout.yaml --dry-run', 'which devices, artefacts, bytes, how long'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { file, all, dryRun, watch } = readOptions(command, fileOptions);
      const { spec, atPlace } = await readRolloutFile(file);
      const { client } = await context.connect();
      const failed = (error: unknown): never => {
        throw atPlace(error);
      };
      if (dryRun) {
        const preview = await client.call(api.previewRollout, { body: { spec, all } }).catch(failed);
        context.output.result(preview, () => describePreview(preview, context.output));
        return;
      }
      const made: RolloutDetail = await client.call(api.createRollout, { body: { spec, all } }).catch(failed);
      if (watch) return watchRollout(context, client, made.id);
      context.output.result(
        made,
        () => describeRollout(made, context.output),
        () => [made.id],
      );
    });
  withFile(rollout.command('preview'))
    .summary('what a rollout would do: devices, artefacts, bytes, time, obstacles')
    .addHelpText('after', examples(['starling rollout preview -f rollout.yaml', 'changes nothing']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { file, all } = readOptions(command, fileOptions);
      const { spec, atPlace } = await readRolloutFile(file);
      const { client } = await context.connect();
      const preview = await client.call(api.previewRollout, { body: { spec, all } }).catch((error: unknown) => {
        throw atPlace(error);
      });
      context.output.result(preview, () => describePreview(preview, context.output));
    });
}

function defineReading(rollout: Command, contextOf: ContextOf): void {
  addStates(addPaging(rollout.command('list').alias('ls')), states)
    .summary('list rollouts')
    .addHelpText('after', examples(['starling rollout list --open', 'what moves now']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const query = readStates(command, states);
      const { client } = await context.connect();
      const page = await fetchPages(command, (paging) => client.call(api.listRollouts, { query: { ...paging, ...query } }));
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'RELEASE', value: ({ releaseName }) => releaseName },
          { title: 'STATE', value: (each) => each.state },
          {
            title: 'STEP',
            value: ({ step, steps, stepName }) => `${Math.min(step + 1, steps)}/${steps}${stepName === null ? '' : ` ${stepName}`}`,
          },
          { title: 'DEVICES', value: ({ counts }) => countsText(counts) },
          { title: 'CREATED', value: ({ createdAtMs }) => formatTime(createdAtMs) },
          { title: 'WHY', value: ({ why }) => why },
        ],
        name: ({ id }) => id,
        empty: 'no rollouts yet; start one with "starling rollout create -f rollout.yaml"',
      });
    });
  addPaging(rollout.command('show').argument('<rollout>', 'name or id'))
    .summary('one rollout: waves, counts, what it waits for, and why it is held or was ended')
    .option('--targets', 'its devices instead')
    .option('--state <state>', 'with --targets: only devices in this state')
    .option('--timeline', 'what happened instead, newest first')
    .addHelpText(
      'after',
      examples(
        ['starling rollout show signs-2', 'waves and counts'],
        ['starling rollout show signs-2 --targets --state failed', 'which devices failed, and why'],
        ['starling rollout show signs-2 --timeline', 'who did what when'],
      ),
    )
    .action((reference: string, _options, command: Command) => showRollout(contextOf, reference, command));
  rollout
    .command('watch')
    .argument('<rollout>', 'name or id')
    .summary('follow a rollout until it has ended; exit code 1 if it was not successful')
    .addHelpText('after', examples(['starling rollout watch signs-2', 'a line for each change']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      await watchRollout(context, (await context.connect()).client, reference);
    });
}

const showOptions = z.object({
  targets: z.boolean().default(false),
  timeline: z.boolean().default(false),
  state: z.enum(targetStateSchema.options, `use ${targetStateSchema.options.join(', ')}`).optional(),
});

async function showRollout(contextOf: ContextOf, id: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const { targets, timeline, state } = readOptions(command, showOptions);
  const { client } = await context.connect();
  const params = { id };
  if (timeline) {
    const page = await fetchPages(command, (query) => client.call(api.listRolloutEvents, { params, query }));
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
  if (targets) {
    const page = await fetchPages(command, (query) =>
      client.call(api.listRolloutTargets, { params, query: { ...query, ...(state === undefined ? {} : { state }) } }),
    );
    showPage(context, page, {
      columns: [
        { title: 'DEVICE', value: ({ name }) => name },
        { title: 'PROFILE', value: ({ profile }) => profile },
        { title: 'STATE', value: (each) => each.state },
        { title: 'STEP', value: ({ wave }) => (wave === null ? null : wave + 1), right: true },
        { title: 'PHASE', value: ({ phase }) => phase },
        { title: 'BEFORE', value: ({ previousRelease }) => (previousRelease === null ? null : shortDigest(previousRelease)) },
        { title: 'WHY', value: ({ code, message }) => (code === null ? null : `${code}: ${message ?? ''}`) },
      ],
      name: ({ device }) => device,
      empty: 'no such devices',
    });
    return;
  }
  const view = await client.call(api.showRollout, { params });
  context.output.result(
    view,
    () => describeRollout(view, context.output),
    () => [view.id],
  );
}

const actions: Readonly<Record<Exclude<RolloutAction, 'stop'>, { summary: string; example: string }>> = {
  pause: { summary: 'start nothing more until it is resumed; what is on its way goes on', example: 'until somebody has looked' },
  resume: { summary: 'go on with a paused rollout', example: 'where it was paused' },
  promote: { summary: 'go past the present step, whatever it waits for', example: 'to the next step' },
  approve: { summary: 'approve the present step; each person counts once', example: 'as the person who is signed in' },
  abort: { summary: 'start nothing more, for good; devices keep what they have', example: 'no way back into it' },
  rollback: { summary: 'give every device its own previous release again', example: 'also after the rollout has ended' },
};

function defineAction(rollout: Command, action: keyof typeof actions, contextOf: ContextOf): void {
  const { summary, example } = actions[action];
  rollout
    .command(action)
    .argument('<rollout>', 'name or id')
    .summary(summary)
    .option('--reason <text>', 'why, for the timeline and the audit')
    .addHelpText('after', examples([`starling rollout ${action} signs-2`, example]))
    .action(async (id: string, _options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, z.object({ reason: z.string().min(1).max(1000).optional() }));
      const { client } = await context.connect();
      const view = await client.call(api.actOnRollout, { params: { id }, body: { action, ...options } });
      context.output.result(
        view,
        () => describeRollout(view, context.output),
        () => [view.id],
      );
    });
}

function defineStop(rollout: Command, contextOf: ContextOf): void {
  rollout
    .command('stop')
    .argument('[rollout]', 'name or id')
    .summary('emergency: nothing more goes out, and what is on its way is called back, at once')
    .option('--all', 'every open rollout')
    .option('--reason <text>', 'why, for the timeline and the audit')
    .addHelpText('after', examples(['starling rollout stop signs-2', 'this one'], ['starling rollout stop --all', 'all of them']))
    .action(async (id: string | undefined, _options, command: Command) => {
      const context = contextOf(command);
      const { all, reason } = readOptions(command, z.object({ all: z.boolean().default(false), reason: z.string().max(1000).optional() }));
      const why = reason === undefined ? {} : { reason };
      if (all === (id !== undefined)) {
        throw cliError('usage', all ? 'a rollout and --all exclude each other' : 'which rollout?', {
          field: 'rollout',
          hint: 'name a rollout, or give --all',
        });
      }
      const { client } = await context.connect();
      if (id === undefined) {
        const { stopped } = await client.call(api.stopAllRollouts, { body: why });
        context.output.result(
          { stopped },
          () => (stopped.length === 0 ? 'no rollout was open' : `stopped: ${stopped.join(', ')}`),
          () => stopped,
        );
        return;
      }
      const view = await client.call(api.actOnRollout, { params: { id }, body: { action: 'stop', ...why } });
      context.output.result(
        view,
        () => describeRollout(view, context.output),
        () => [view.id],
      );
    });
}
