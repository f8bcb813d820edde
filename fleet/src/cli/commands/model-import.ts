import { digestSchema, MODEL_BYTES_MAXIMUM, type ModelCard, type ModelOrigin, type ModelView, modelCardSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ImportedFile, type ImportSource, importFile, parseImportSource } from '../../imports/index.ts';
import type { Connection, Context } from '../context.ts';
import { describeModel } from '../describe-model.ts';
import { readDocument, requireFile } from '../document-files.ts';
import { cliError } from '../errors.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { formatBytes } from '../printable.ts';
import { addPushOptions, type PreparedPush, preparePush, pushModel, pushOptionsSchema, requirePushable } from '../push-model.ts';
import { openPushSource } from '../push-source.ts';
import { waitForBuilds } from './wait-for-builds.ts';

const importOptions = pushOptionsSchema.extend({
  card: z.string().optional(),
  title: z.string().min(1).max(200).optional(),
  licence: z.string().min(1).max(200).optional(),
  sha256: digestSchema.optional(),
});

/** A card need not say what the place itself says. */
const partialCardSchema = modelCardSchema.partial({ title: true, licence: true });
type PartialCard = z.infer<typeof partialCardSchema>;

export function defineModelImport(model: Command, contextOf: ContextOf): void {
  addPushOptions(model.command('import').argument('<source>', 'file, https:// address, or hf://owner/name/path.onnx[@revision]'))
    .summary('fetch an ONNX file from elsewhere, then push it')
    .description(
      'Fetches a file to this machine, with those beside it in which it keeps its data, checks their hashes, and pushes it like "model push". Where it came from, its revision, hash and licence are signed with the model card. The fleet itself fetches nothing.',
    )
    .option('--card <file>', 'model card, YAML or JSON; title and licence may be left out')
    .option('--title <text>', 'title, where no card says it (default: the name)')
    .option('--licence <licence>', 'licence, where neither the card nor the source says it')
    .option('--sha256 <digest>', 'what the file has to be')
    .addHelpText(
      'after',
      examples(
        ['starling model import hf://onnx-community/mnist/model.onnx@main --name digits --version 1.0.0 --wait', 'from a model hub'],
        ['starling model import https://example.org/net.onnx --name net --version 1.0.0 --licence MIT --sha256 9f8a...', 'from an address'],
      ),
    )
    .action(async (text: string, _options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, importOptions);
      const source = parseImportSource(text);
      if (source.kind === 'file') await requireFile(source.path, 'source', MODEL_BYTES_MAXIMUM);
      const card = options.card === undefined ? partialCardSchema.parse({}) : await readDocument(options.card, '--card', partialCardSchema);
      // Everything that can be wrong without the file is found before it is fetched.
      const prepared = await preparePush(context, options);
      const connection = await context.connect();
      await requirePushable(connection, prepared);
      const imported = await fetchSource(context, source, options.sha256);
      try {
        const whole = completeCard(context, card, imported.origin, options);
        const pushed = await pushImported(context, connection, prepared, imported, whole, options.wait);
        context.output.result(
          pushed,
          () => describeModel(pushed, context.output),
          () => [pushed.digest],
        );
      } finally {
        await imported.remove();
      }
    });
}

async function pushImported(
  context: Context,
  connection: Connection,
  prepared: PreparedPush,
  { file }: ImportedFile,
  card: ModelCard,
  wait: boolean,
): Promise<ModelView> {
  const source = await openPushSource(context, file, 'source');
  try {
    const view = await pushModel(context, connection, { ...prepared, source, card });
    return wait ? await waitForBuilds(context, connection.client, view) : view;
  } finally {
    source.close();
  }
}

async function fetchSource(context: Context, source: ImportSource, sha256: string | undefined): Promise<ImportedFile> {
  const { output, settings, signal, sleep, nowMs } = context;
  const progress = output.progress('fetch');
  try {
    const imported = await importFile(source, {
      ...{ signal, sleep, nowMs, sha256 },
      ...{ hub: new URL(settings.hub), hubToken: settings.hubToken, insecure: settings.insecure },
      onProgress: (file, doneBytes, totalBytes) =>
        progress.update(
          totalBytes === undefined ? undefined : doneBytes / totalBytes,
          `${file}, ${formatBytes(doneBytes)}${totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`}`,
        ),
      onRetry: (reason, attempt) => output.notice(`${reason}; attempt ${attempt}`),
    });
    progress.done(`${formatBytes(imported.sizeBytes)}, SHA-256 ${imported.origin.sha256}`);
    return imported;
  } catch (error) {
    progress.failed();
    throw error;
  }
}

/** @throws StarlingError `bad-document` where nobody says under which licence the model stands */
function completeCard(
  { output }: Context,
  card: PartialCard,
  origin: ModelOrigin,
  { name, title, licence: given }: z.infer<typeof importOptions>,
): ModelCard {
  const licence = card.licence ?? given ?? origin.licence;
  if (licence === undefined) {
    throw cliError('bad-document', 'nobody says under which licence this model stands', {
      field: '--licence',
      hint: 'look it up where it is published, and give it as --licence or in the card',
    });
  }
  if (origin.licence !== undefined && origin.licence !== licence)
    output.warn(`the source says licence "${origin.licence}", the card says "${licence}"`);
  const named = card.title ?? title ?? name;
  return { ...card, title: named, licence, source: card.source ?? origin.address, origin };
}
