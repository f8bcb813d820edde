import {
  type ApiClient,
  api,
  nameSchema,
  type ParameterValue,
  type ParameterValues,
  type Policies,
  policiesSchema,
  type Release,
  type ReleaseView,
  signDocument,
  signerOf,
} from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { readDocument } from '../document-files.ts';
import { cliError } from '../errors.ts';
import { readKeyFile } from '../key-files.ts';
import { type ContextOf, collect, examples, readOptions, readPairs, wordsSchema } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime, shortDigest } from '../printable.ts';
import { findPipeline } from '../references.ts';
import { requirePublisher } from '../roots.ts';
import { formatFields } from '../table.ts';
import { defineReleaseObjective } from './choice.ts';

const createOptions = z.object({
  pipeline: z.string().min(1),
  alongside: wordsSchema,
  model: wordsSchema,
  set: wordsSchema,
  allowOutput: wordsSchema,
  allowEdge: wordsSchema,
  sink: wordsSchema,
  allowStream: wordsSchema,
  policies: z.string().optional(),
  requireProvider: wordsSchema,
  publisherKey: z.string().optional(),
});

export function defineReleaseCommands(program: Command, contextOf: ContextOf): void {
  const release = program
    .command('release')
    .summary('what devices run: a pipeline, pinned models, policies')
    .description('Create, list and inspect releases.');
  defineCreate(release, contextOf);
  defineReading(release, contextOf);
  defineReleaseObjective(release, contextOf);
}

function defineCreate(release: Command, contextOf: ContextOf): void {
  release
    .command('create')
    .argument('<name>', 'name of the release')
    .summary('pin versions, sign and register a release')
    .requiredOption('--pipeline <name[@version]>', 'the pipeline; its newest version if none is given')
    .option('--alongside <name[@version]>', 'another pipeline that runs at the same time, sharing models; may be repeated', collect)
    .option('--model <name=version>', 'version of a model to pin; the newest if none is given; may be repeated', collect)
    .option('--set <name=value>', 'value of a parameter, in place of its default; PIPELINE:NAME of one alongside; may be repeated', collect)
    .option('--allow-output <name>', 'pipeline output whose values may leave the device; may be repeated', collect)
    .option('--allow-edge <node.port>', 'port whose values may be watched and replayed from afar; may be repeated', collect)
    .option(
      '--allow-stream <node.port>',
      'port whose values may go to, or come from, a machine that runs a part of the pipeline; may be repeated',
      collect,
    )
    .option('--sink <node>', 'sink of the pipeline that may send values away, by the name of its node; may be repeated', collect)
    .option('--policies <file>', 'policies, YAML or JSON: egress, capture, retention, power')
    .option('--require-provider <name>', 'execution provider without which it must not run; may be repeated', collect)
    .option('--publisher-key <file>', 'key that signs it (default: keys/publisher.json beside the login)')
    .addHelpText(
      'after',
      examples(
        [
          'starling release create read-signs-1 --pipeline read-signs --allow-output readings',
          'newest versions; texts may leave, pictures may not',
        ],
        ['starling release create read-signs-2 --pipeline read-signs@1.1.0 --model text-detection=4.0.0', 'these versions'],
        ['starling release create gate-1 --pipeline count-cars --set threshold=0.6', 'another threshold than the pipeline has'],
      ),
    )
    .action((name: string, _options, command: Command) => createRelease(contextOf, name, command));
}

function defineReading(release: Command, contextOf: ContextOf): void {
  addPaging(release.command('ls'))
    .summary('list releases')
    .option('--search <text>', 'part of the name')
    .addHelpText('after', examples(['starling release ls', 'newest first, with the number of devices']))
    .action(async ({ search }: { search?: string }, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) =>
        client.call(api.listReleases, { query: { ...query, ...(search === undefined ? {} : { search }) } }),
      );
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'DIGEST', value: ({ digest }) => shortDigest(digest) },
          { title: 'PIPELINE', value: ({ document }) => `${document.pipeline.name}@${document.pipeline.version}` },
          { title: 'MODELS', value: ({ document }) => modelsText(document) },
          { title: 'DEVICES', value: ({ deviceCount }) => deviceCount, right: true },
          { title: 'CREATED', value: ({ createdAtMs }) => formatTime(createdAtMs) },
        ],
        name: ({ name }) => name,
        empty: 'no releases yet; make one with "starling release create"',
      });
    });
  release
    .command('show')
    .argument('<release>', 'name or digest')
    .summary('one release, its versions and policies')
    .addHelpText('after', examples(['starling release show read-signs-1', 'what it pins and permits']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const view = await client.call(api.showRelease, { params: { digest: reference } });
      context.output.result(
        view,
        () => describeRelease(view),
        () => [view.digest],
      );
    });
}

async function createRelease(contextOf: ContextOf, name: string, command: Command): Promise<void> {
  const context = contextOf(command);
  const options = readOptions(command, createOptions);
  const named = nameSchema.safeParse(name);
  if (!named.success) throw cliError('usage', `"${name}" is no name: ${named.error.issues[0]?.message}`, { field: 'name' });
  const models = readPairs(options.model, '--model');
  const policies = await readPolicies(options);
  const key = await readKeyFile(options.publisherKey ?? context.settings.publisherKeyFile, '--publisher-key');
  const set = readPairs(options.set, '--set');
  const { client } = await context.connect();
  await requirePublisher(client, key);
  const { pipeline, alongside = [], requireProvider: requiredProviders } = options;
  const parameters = Object.keys(set).length === 0 ? {} : await readParameters(client, [pipeline, ...alongside], set);
  const { document } = await client.call(api.draftRelease, {
    body: { name, pipeline, alongside, models, parameters, policies, ...(requiredProviders === undefined ? {} : { requiredProviders }) },
  });
  requireAsAsked(document, { name, pipelines: [pipeline, ...alongside], models, parameters, policies, requiredProviders });
  const signed = await signDocument(await signerOf(key), 'release', document);
  const view = await client.call(api.createRelease, { body: { signed } });
  context.output.result(
    view,
    () => describeRelease(view),
    () => [view.digest],
  );
}

async function readPolicies({ policies, allowOutput, allowEdge, sink, allowStream }: z.infer<typeof createOptions>): Promise<Policies> {
  const read = policies === undefined ? policiesSchema.parse({}) : await readDocument(policies, '--policies', policiesSchema);
  const outputs = [...new Set([...read.egress.outputs, ...(allowOutput ?? [])])];
  const edges = [...new Set([...read.egress.edges, ...(allowEdge ?? [])])];
  const sinks = [...new Set([...read.egress.sinks, ...(sink ?? [])])];
  const streams = [...new Set([...(read.egress.streams ?? []), ...(allowStream ?? [])])];
  return { ...read, egress: { ...read.egress, outputs, edges, sinks, ...(streams.length === 0 ? {} : { streams }) } };
}

/** Words of the command line as what the parameters are: numbers, yes or no, text. The fleet refuses what does not fit. */
async function readParameters(
  client: ApiClient,
  [first = '', ...alongside]: readonly string[],
  set: Readonly<Record<string, string>>,
): Promise<ParameterValues> {
  const { document } = await findPipeline(client, first);
  const parameters = { ...document.parameters };
  for (const reference of alongside) {
    const other = await findPipeline(client, reference);
    for (const [name, parameter] of Object.entries(other.document.parameters)) parameters[`${other.name}:${name}`] = parameter;
  }
  return Object.fromEntries(
    Object.entries(set).map(([name, word]): [string, ParameterValue] => {
      const usual = Object.hasOwn(parameters, name) ? parameters[name]?.default : undefined;
      if (typeof usual === 'number' && word.trim() !== '' && Number.isFinite(Number(word))) return [name, Number(word)];
      if (typeof usual === 'boolean' && (word === 'true' || word === 'false')) return [name, word === 'true'];
      return [name, word];
    }),
  );
}

/** Attack: a taken fleet drafts a release that lets pictures out, or with another pipeline, and the publisher signs it unseen. */
function requireAsAsked(
  document: Release,
  asked: {
    name: string;
    pipelines: string[];
    models: Record<string, string>;
    parameters: ParameterValues;
    policies: Policies;
    requiredProviders: string[] | undefined;
  },
): void {
  const drafted = [document.pipeline, ...document.alongside];
  const pinned = Object.fromEntries(document.models.map((model) => [model.name, model.version]));
  const pairs: [string, unknown, unknown][] = [
    ['name', document.name, asked.name],
    ['pipelines', drafted.length, asked.pipelines.length],
    ...asked.pipelines.flatMap((reference, index): [string, unknown, unknown][] => {
      const [pipeline, version] = reference.split('@');
      const got = drafted[index];
      return [
        ['pipeline.name', got?.name, pipeline],
        ['pipeline.version', got?.version, version ?? got?.version],
      ];
    }),
    ['parameters', sorted(document.parameters ?? {}), sorted(asked.parameters)],
    ['policies', policiesSchema.parse(document.policies), policiesSchema.parse(asked.policies)],
    ['requiredProviders', document.requiredProviders ?? null, asked.requiredProviders ?? null],
    ...Object.entries(asked.models).map(([model, wanted]): [string, unknown, unknown] => [`models.${model}`, pinned[model], wanted]),
  ];
  for (const [field, got, wanted] of pairs) {
    if (JSON.stringify(got) !== JSON.stringify(wanted)) {
      throw cliError('draft-differs', `the fleet answered with another ${field} than was asked for; nothing was signed`, { field });
    }
  }
}

function sorted(values: ParameterValues): ParameterValues {
  return Object.fromEntries(Object.entries(values).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

function modelsText({ models }: Release): string {
  return models.map(({ name, version }) => `${name}@${version}`).join(' ');
}

function describeRelease({ document, ...view }: ReleaseView): string {
  const { egress, capture, retention, power } = document.policies;
  return formatFields([
    ['release', view.name],
    ['digest', view.digest],
    ['pipelines', [document.pipeline, ...document.alongside].map(({ name, version }) => `${name}@${version}`).join(', ')],
    ['models', modelsText(document)],
    [
      'parameters',
      Object.entries(document.parameters ?? {})
        .map(([name, value]) => `${name}=${value}`)
        .join(', ') || undefined,
    ],
    ['may leave devices', [...egress.outputs, ...egress.edges].join(', ') || 'nothing'],
    ['may go to other machines', egress.streams?.join(', ')],
    ['sinks that may send', egress.sinks.join(', ') || undefined],
    ['capture', capture.enabled ? 'on' : 'off'],
    ['results kept', `${retention.resultDays} days`],
    ['power', power.maximumWatts === undefined ? undefined : `at most ${power.maximumWatts} W`],
    ['providers', document.requiredProviders?.join(', ')],
    ['devices', view.deviceCount],
    ['created', `${formatTime(view.createdAtMs)} by ${view.createdBy}`],
  ]);
}
