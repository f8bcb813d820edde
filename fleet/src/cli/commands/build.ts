import { type ApiClient, api, type BuildJob, buildMethodSchema, buildStateSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { followBuild, followLog, isOver, requireDone, titleOf } from '../follow-build.ts';
import { type ContextOf, examples, numberOption, readOptions } from '../options.ts';
import { addPaging, fetchAll, fetchPages, showPage } from '../paging.ts';
import { formatTime, printable, shortDigest } from '../printable.ts';
import { findBuild, findModel } from '../references.ts';
import { formatFields } from '../table.ts';

const listOptions = z.object({
  model: z.string().optional(),
  state: z.enum(buildStateSchema.options, `use ${buildStateSchema.options.join(', ')}`).optional(),
  method: z.enum(buildMethodSchema.options, `use ${buildMethodSchema.options.join(', ')}`).optional(),
  watch: z.boolean().default(false),
});
const logOptions = z.object({ lines: numberOption().int().min(1).optional(), watch: z.boolean().default(false) });

const BUILD_ARGUMENT = ['<build>', 'id of the build, or its first characters'] as const;
const POLL_MS = 500;

export function defineBuildCommands(program: Command, contextOf: ContextOf): void {
  const build = program
    .command('build')
    .summary('builds of artefacts, queued and run by the fleet')
    .description('List, follow, cancel and retry builds. New ones are asked for with "starling model build".');
  defineList(build, contextOf);
  build
    .command('show')
    .argument(...BUILD_ARGUMENT)
    .summary('one build, its recipe and what became of it')
    .option('--watch', 'follow its progress until it is over; exit code 1 if it fails')
    .addHelpText('after', examples(['starling build show k3vq --watch', 'until it is over']))
    .action(async (reference: string, { watch }: { watch?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const found = await findBuild(client, reference);
      const job = watch === true ? await followBuild(context, client, found) : found;
      if (watch === true) requireDone(job);
      showBuild(context, job);
    });
  build
    .command('logs')
    .argument(...BUILD_ARGUMENT)
    .summary('what a build said')
    .option('--lines <n>', 'only the last ones')
    .option('--watch', 'go on until it is over')
    .addHelpText('after', examples(['starling build logs k3vq --watch', 'as it happens; with --json an object a line']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { lines, watch } = readOptions(command, logOptions);
      const { client } = await context.connect();
      const { id } = await findBuild(client, reference);
      for await (const line of followLog(context, client, id, { watch, last: lines }))
        context.output.line(line, () => `${formatTime(line.atMs)}  ${printable(line.text)}`);
    });
  defineChange(build, contextOf, { name: 'cancel', summary: 'cancel a build that waits or runs', endpoint: api.cancelBuild });
  defineChange(build, contextOf, { name: 'retry', summary: 'run a build again that failed or was cancelled', endpoint: api.retryBuild });
}

function defineList(build: Command, contextOf: ContextOf): void {
  addPaging(build.command('ls'))
    .summary('list builds, newest first')
    .option('--model <model>', 'of this model version: name, name@version or digest')
    .option('--state <state>', buildStateSchema.options.join(', '))
    .option('--method <method>', buildMethodSchema.options.join(', '))
    .option('--watch', 'a line for each change, until no build waits or runs')
    .addHelpText(
      'after',
      examples(
        ['starling build ls --state failed', 'with the reasons'],
        ['starling build ls --model digits --watch', 'until all are over'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { model, state, method, watch } = readOptions(command, listOptions);
      const { client } = await context.connect();
      const filter = {
        ...(model === undefined ? {} : { model: (await findModel(client, model)).digest }),
        ...(state === undefined ? {} : { state }),
        ...(method === undefined ? {} : { method }),
      };
      if (watch) return watchAll(context, client, filter);
      const page = await fetchPages(command, (query) => client.call(api.listBuilds, { query: { ...query, ...filter } }));
      showPage(context, page, {
        columns: [
          { title: 'ID', value: ({ id }) => id.slice(0, 8) },
          { title: 'MODEL', value: (job) => `${job.model}@${job.version}` },
          { title: 'RECIPE', value: ({ label }) => label },
          { title: 'STATE', value: ({ state: now }) => now },
          { title: 'DONE', value: ({ progressPercent }) => `${progressPercent} %`, right: true },
          { title: 'STEP', value: stepOf },
          { title: 'ARTEFACT', value: ({ artefact }) => (artefact === null ? null : shortDigest(artefact)) },
          { title: 'CREATED', value: ({ createdAtMs }) => formatTime(createdAtMs) },
        ],
        name: ({ id }) => id,
        empty: 'no builds; pushing a model queues some',
      });
    });
}

async function watchAll(
  { output, sleep }: Context,
  client: ApiClient,
  filter: Pick<z.infer<typeof listOptions>, 'model' | 'state' | 'method'>,
): Promise<void> {
  const shown = new Map<string, string>();
  for (;;) {
    const { items } = await fetchAll<BuildJob>((query) => client.call(api.listBuilds, { query: { ...query, ...filter } }));
    for (const job of items.toReversed()) {
      const text = `${job.id.slice(0, 8)}  ${titleOf(job)}  ${job.state}  ${job.progressPercent} %  ${stepOf(job)}`;
      if (shown.get(job.id) === text) continue;
      // What was over before anybody watched is no news.
      if (shown.size > 0 || !isOver(job)) output.line(job, () => printable(text));
      shown.set(job.id, text);
    }
    if (items.every(isOver)) return;
    await sleep(POLL_MS);
  }
}

function defineChange(
  build: Command,
  contextOf: ContextOf,
  { name, summary, endpoint }: { name: string; summary: string; endpoint: typeof api.cancelBuild | typeof api.retryBuild },
): void {
  build
    .command(name)
    .argument('<build...>', 'ids of builds, or their first characters')
    .summary(summary)
    .addHelpText('after', examples([`starling build ${name} k3vq`, summary]))
    .action(async (references: string[], _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const jobs: BuildJob[] = [];
      for (const reference of references) {
        const { id } = await findBuild(client, reference);
        jobs.push(await client.call(endpoint, { params: { id } }));
      }
      context.output.result(
        jobs.length === 1 ? jobs[0] : jobs,
        () => jobs.map((job) => `${job.id.slice(0, 8)}  ${titleOf(job)}  ${job.state}`).join('\n'),
        () => jobs.map(({ id }) => id),
      );
    });
}

function stepOf({ state, step, note, error }: BuildJob): string {
  if (state === 'failed' || state === 'cancelled') return error?.message ?? '';
  return note ?? step;
}

export function showBuild({ output }: Context, job: BuildJob): void {
  const took =
    job.startedAtMs === null || job.endedAtMs === null ? undefined : `${((job.endedAtMs - job.startedAtMs) / 1000).toFixed(1)} s`;
  output.result(
    job,
    () =>
      formatFields([
        ['build', job.id],
        ['model', `${job.model}@${job.version}`],
        ['recipe', job.label],
        ['state', job.state],
        ['done', `${job.progressPercent} %`],
        ['step', job.step],
        ['artefact', job.artefact ?? undefined],
        ['reused', job.reused ? 'an equal build had made it already' : undefined],
        ['note', job.note ?? undefined],
        ['error', job.error?.message],
        ['fix', job.error?.hint],
        ['attempts', job.attempts],
        ['took', took],
        ['created', `${formatTime(job.createdAtMs)} ${job.requestedBy === null ? 'with the model version' : `by ${job.requestedBy}`}`],
      ]),
    () => [job.id],
  );
}
