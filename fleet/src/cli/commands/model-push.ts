import { modelCardSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { describeModel } from '../describe-model.ts';
import { readDocument } from '../document-files.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { addPushOptions, preparePush, pushModel, pushOptionsSchema } from '../push-model.ts';
import { openPushSource } from '../push-source.ts';
import { waitForBuilds } from './wait-for-builds.ts';

const options = pushOptionsSchema.extend({ card: z.string(), weightsApart: z.boolean().default(false) });

export function defineModelPush(model: Command, contextOf: ContextOf): void {
  addPushOptions(model.command('push').argument('<file>', 'ONNX file'))
    .summary('upload, sign and register a model version')
    .description(
      'Uploads an ONNX file, lets the fleet read its inputs and outputs, signs the model version with your publisher key and registers it. The fleet then builds its artefacts. Data that the file keeps in others beside it (net.onnx.data) is joined on the way. A model of more than 2 GiB goes as two files, its graph and its weights.',
    )
    .requiredOption(
      '--card <file>',
      'model card, YAML or JSON: title, licence, task, description, source, labels, exampleShapes, exampleRanges',
    )
    .option(
      '--weights-apart',
      'send the weights as a file of their own even if one file could hold them: devices map it instead of reading it',
    )
    .addHelpText(
      'after',
      examples(
        [
          'starling model push det.onnx --name text-detection --version 1.0.0 --card card.yaml --example-shapes x=1x3x320x320 --wait',
          'with progress',
        ],
        [
          'starling model push digits.onnx --name digits --version 1.1.0 --card card.yaml --calibration samples/ --evaluation held-out/',
          'with static int8 builds, judged',
        ],
      ),
    )
    .action(async (file: string, _options, command: Command) => {
      const context = contextOf(command);
      const given = readOptions(command, options);
      const source = await openPushSource(context, file, 'file', given.weightsApart);
      try {
        const card = await readDocument(given.card, '--card', modelCardSchema);
        const prepared = await preparePush(context, given);
        const connection = await context.connect();
        const view = await pushModel(context, connection, { ...prepared, source, card });
        const pushed = given.wait ? await waitForBuilds(context, connection.client, view) : view;
        context.output.result(
          pushed,
          () => describeModel(pushed, context.output),
          () => [pushed.digest],
        );
      } finally {
        source.close();
      }
    });
}
