import { api } from '@starling/shared';
import type { Command } from 'commander';
import { followBuild, requireDone } from '../follow-build.ts';
import { type ContextOf, examples } from '../options.ts';
import { addRecipeOptions, readRecipe } from '../recipe-options.ts';
import { findModel } from '../references.ts';
import { showBuild } from './build.ts';

/** `starling model build`: one more artefact of a version that is there. */
export function defineModelBuild(model: Command, contextOf: ContextOf): void {
  addRecipeOptions(model.command('build').argument('<model>', 'name, name@version, digest or its first characters'))
    .summary('build one more artefact of a model version, by a recipe of your own')
    .description(
      'Queues a build beside those that every version gets. What was built before, of the same source by the same recipe and tools, is not built again.',
    )
    .option('--wait', 'follow it until it is over; exit code 1 if it fails')
    .addHelpText(
      'after',
      examples(
        ['starling model build digits --method static-int8 --target arm --calibration percentile --wait', 'for dotprod and i8mm'],
        ['starling model build text@1.0.0 --method weights-int4 --block-size 64', 'smallest on the wire'],
      ),
    )
    .action(async (reference: string, { wait }: { wait?: boolean }, command: Command) => {
      const context = contextOf(command);
      const recipe = readRecipe(command);
      const { client } = await context.connect();
      const { digest } = await findModel(client, reference);
      const queued = await client.call(api.addBuild, { params: { digest }, body: { recipe } });
      const job = wait === true ? await followBuild(context, client, queued) : queued;
      if (wait === true) requireDone(job);
      showBuild(context, job);
    });
}
