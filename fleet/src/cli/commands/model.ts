import { api } from '@starling/shared';
import type { Command } from 'commander';
import { buildSummary, describeModel } from '../describe-model.ts';
import { type ContextOf, examples } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatBytes, formatTime, shortDigest } from '../printable.ts';
import { findModel } from '../references.ts';
import { defineModelBuild } from './model-build.ts';
import { defineModelImport } from './model-import.ts';
import { defineModelPush } from './model-push.ts';
import { waitForBuilds } from './wait-for-builds.ts';

export function defineModelCommands(program: Command, contextOf: ContextOf): void {
  const model = program
    .command('model')
    .summary('model versions and their artefacts')
    .description('Push, list and inspect model versions.');
  defineModelPush(model, contextOf);
  defineModelImport(model, contextOf);
  defineModelBuild(model, contextOf);
  addPaging(model.command('ls'))
    .summary('list model versions')
    .option('--search <text>', 'part of the name')
    .addHelpText('after', examples(['starling model ls', 'newest first'], ['starling model ls --all --json', 'everything, for scripts']))
    .action(async ({ search }: { search?: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) =>
        client.call(api.listModels, { query: { ...query, ...(search === undefined ? {} : { search }) } }),
      );
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'VERSION', value: ({ version }) => version },
          { title: 'DIGEST', value: ({ digest }) => shortDigest(digest) },
          { title: 'SIZE', value: ({ document }) => formatBytes(document.source.sizeBytes), right: true },
          { title: 'ARTEFACTS', value: ({ artefacts }) => artefacts.map(({ precision }) => precision).join(' ') },
          { title: 'BUILDS', value: buildSummary },
          { title: 'CREATED', value: ({ createdAtMs }) => formatTime(createdAtMs) },
        ],
        name: ({ name, version }) => `${name}@${version}`,
        empty: 'no models yet; push one with "starling model push"',
      });
    });
  model
    .command('show')
    .argument('<model>', 'name, name@version, digest or its first characters')
    .summary('one model version, its ports and artefacts')
    .addHelpText(
      'after',
      examples(['starling model show text-detection', 'the newest version'], ['starling model show text-detection@4.0.0', 'this one']),
    )
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const view = await findModel((await context.connect()).client, reference);
      context.output.result(
        view,
        () => describeModel(view, context.output),
        () => [view.digest],
      );
    });
  defineRetry(model, contextOf);
}

function defineRetry(model: Command, contextOf: ContextOf): void {
  model
    .command('retry')
    .argument('<model>', 'name, name@version, digest or its first characters')
    .summary('run failed builds of a model version again')
    .option('--wait', 'wait until they are over')
    .addHelpText('after', examples(['starling model retry text-detection@4.0.0 --wait', 'build again']))
    .action(async (reference: string, options: { wait?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const found = await findModel(client, reference);
      const over = found.builds.filter(({ state }) => state === 'failed' || state === 'cancelled');
      for (const { id } of over) await client.call(api.retryBuild, { params: { id } });
      const view =
        options.wait === true
          ? await waitForBuilds(context, client, found)
          : await client.call(api.showModel, { params: { digest: found.digest } });
      context.output.result(
        view,
        () => `${over.length} builds of ${view.name}@${view.version} run again`,
        () => [view.digest],
      );
    });
}
