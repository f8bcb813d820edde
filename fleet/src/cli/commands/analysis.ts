import { readFile } from 'node:fs/promises';
import {
  type AnalysisSpec,
  analysisSpecSchema,
  api,
  DOCUMENT_BYTES_MAXIMUM,
  type MetricQuery,
  nameSchema,
  type RolloutMetric,
} from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { requireFile } from '../document-files.ts';
import { cliError } from '../errors.ts';
import { inlineParameters } from '../inline-parameters.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';
import { formatFields } from '../table.ts';
import { readYaml } from '../yaml-source.ts';

export function defineAnalysisCommands(program: Command, contextOf: ContextOf): void {
  const analysis = program
    .command('analysis')
    .summary('how releases are judged while they go out')
    .description('Keep analyses that rollouts name, and look at what a gate was judged by.');
  defineTemplates(analysis, contextOf);
  defineShow(analysis, contextOf);
  defineSql(analysis, contextOf);
}

function defineTemplates(analysis: Command, contextOf: ContextOf): void {
  const template = analysis.command('template').summary('analyses that rollouts name').description('Keep analyses that rollouts name.');
  template
    .command('push')
    .argument('<name>', 'name by which rollouts refer to it')
    .argument('<file>', 'objectives, YAML or JSON')
    .summary('make or change a template')
    .addHelpText('after', examples(['starling analysis template push steady steady.yaml', 'rollouts made from now on may name it']))
    .action(async (name: string, file: string, _options, command: Command) => {
      const context = contextOf(command);
      requireName(name);
      const spec = await readAnalysis(file);
      const { client } = await context.connect();
      const view = await client.call(api.putAnalysisTemplate, { params: { name }, body: { spec } });
      context.output.result(
        view,
        () => `${view.name}: ${view.spec.objectives.length} objectives`,
        () => [view.name],
      );
    });
  addPaging(template.command('ls').alias('list'))
    .summary('list templates')
    .addHelpText('after', examples(['starling analysis template ls', 'with their objectives']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) => client.call(api.listAnalysisTemplates, { query }));
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'OBJECTIVES', value: ({ spec }) => spec.objectives.map(({ name }) => name).join(' ') },
          { title: 'CONFIDENCE', value: ({ spec }) => spec.confidence, right: true },
          { title: 'CHANGED', value: ({ changedAtMs }) => formatTime(changedAtMs) },
          { title: 'BY', value: ({ changedBy }) => changedBy },
        ],
        name: ({ name }) => name,
        empty: 'no templates yet; make one with "starling analysis template push"',
      });
    });
  defineTemplate(template, contextOf);
}

/** What is about one that is there. */
function defineTemplate(template: Command, contextOf: ContextOf): void {
  template
    .command('show')
    .argument('<name>')
    .summary('one template')
    .addHelpText('after', examples(['starling analysis template show steady', 'its objectives and limits']))
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const view = await client.call(api.showAnalysisTemplate, { params: { name } });
      const about: [string, string][] = [
        ['template', view.name],
        ['confidence', String(view.spec.confidence)],
        ['control', view.spec.control],
        ['changed', `${formatTime(view.changedAtMs)} by ${view.changedBy}`],
      ];
      const objectives = view.spec.objectives.map(({ name: objective, ...rest }): [string, string] => [objective, limitText(rest)]);
      context.output.result(
        view,
        () => formatFields([...about, ...objectives]),
        () => [view.name],
      );
    });
  template
    .command('rm')
    .argument('<name>')
    .summary('remove a template; rollouts that were made keep what it said')
    .addHelpText('after', examples(['starling analysis template rm steady', 'no rollout can name it any more']))
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      await client.call(api.removeAnalysisTemplate, { params: { name } });
      context.output.result(
        { name },
        () => `${name} is removed`,
        () => [name],
      );
    });
}

function defineShow(analysis: Command, contextOf: ContextOf): void {
  analysis
    .command('show')
    .argument('<rollout>', 'name or id of a rollout')
    .summary('what was measured of a rollout, and what follows from it')
    .addHelpText('after', examples(['starling analysis show k3v...', 'each metric with its interval and its reason']))
    .action(async (rollout: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const { id } = await client.call(api.showRollout, { params: { id: rollout } });
      const found = await client.call(api.listRolloutMetrics, { params: { rollout: id } });
      const lines = found.items.map(({ name, where, judgement, error }): [string, string] => [
        `${name} (${where})`,
        judgement === null ? `not measured: ${error}` : `${judgement.verdict}${judgement.gates ? '' : ', dry run'}: ${judgement.reason}`,
      ]);
      context.output.result(
        found,
        () => (lines.length === 0 ? 'nothing was measured yet' : formatFields(lines)),
        () => found.items.map(({ name }) => name),
      );
    });
}

function defineSql(analysis: Command, contextOf: ContextOf): void {
  analysis
    .command('sql')
    .argument('<rollout>', 'name or id of a rollout')
    .argument('<metric>', 'name of an objective')
    .summary('the SQL that gives the figures of a gate')
    .option('--at <time>', 'of an earlier look: the newest until then, such as 2026-11-27T12:03:00Z')
    .option('--step <n>', 'only looks of this step, by the number that "starling rollout show" gives it, or "all" for the whole rollout')
    .addHelpText(
      'after',
      examples(
        ['starling analysis sql k3v... latency | psql "$DATABASE_URL"', 'asks the database again, with what has come in since'],
        ['starling analysis sql k3v... latency --step 3', 'the newest look of the third step'],
        ['starling analysis sql k3v... latency --at 2026-11-27T12:03:00Z', 'what was asked then, of the devices of then'],
        ['starling analysis sql k3v... latency --json', 'statements and parameters apart'],
      ),
    )
    .action(async (rollout: string, metric: string, _options, command: Command) => {
      const context = contextOf(command);
      const { at: atMs, step } = readOptions(command, sqlOptions);
      const { client } = await context.connect();
      const { id } = await client.call(api.showRollout, { params: { id: rollout } });
      const { items } = await client.call(api.listRolloutMetrics, { params: { rollout: id } });
      const query = { atMs, step: step === undefined ? undefined : keyOfStep(step, metric, items) };
      const found = await client.call(api.showMetricQueries, { params: { rollout: id, metric }, query });
      const where = items.find((each) => each.step === found.step)?.where ?? `step ${found.step}`;
      const look = `${where}, ${formatTime(found.measuredAtMs)}`;
      context.output.result(found, () => found.queries.map((query) => statementText(query, metric, look)).join('\n\n'));
    });
}

const sqlOptions = z.object({
  at: z.iso
    .datetime({ offset: true, error: 'write a time with its zone, such as 2026-11-27T12:03:00Z' })
    // Times are printed to the second: the look of that second is meant.
    .transform((text) => Date.parse(text) + (text.includes('.') ? 0 : 999))
    .optional(),
  step: z.string().optional(),
});

/**
 * What looks of a step are kept under.
 * @param step number as people count, `all`, or that key itself
 * @throws StarlingError `usage` that names the steps in which there are some
 */
function keyOfStep(step: string, metric: string, items: readonly RolloutMetric[]): string {
  const looks = items.filter(({ name }) => name === metric);
  const number = /^[0-9]+$/.test(step) ? Number(step) : undefined;
  const isMeant = ({ step: key }: RolloutMetric): boolean =>
    number === undefined ? key === step || key.split('@')[0] === step : Number(key.split('@')[0]) === number - 1;
  // A step that was begun again has looks of each time.
  const [newest] = looks.filter(isMeant).sort((a, b) => b.measuredAtMs - a.measuredAtMs);
  if (newest !== undefined) return newest.step;
  const known = [...new Set(looks.map(({ where = '' }) => where))];
  throw cliError('usage', `"${metric}" was not looked at in step ${step}`, {
    field: '--step',
    hint: known.length === 0 ? 'see "starling analysis show" for what was looked at' : `it was looked at in: ${known.join('; ')}`,
  });
}

/** With what it gave then, to be held against what it gives now. */
function statementText({ side, sql, params, figures = {} }: MetricQuery, metric: string, look: string): string {
  const gave = Object.keys(figures)
    .sort()
    .map((name) => `${name} ${figures[name]}`);
  const lines = [`-- ${metric}: ${side}`, `-- ${look}${gave.length === 0 ? '' : ', gave'}`, ...gave.map((figure) => `--   ${figure}`)];
  return `${lines.join('\n')}\n${inlineParameters(sql, params)};`;
}

function limitText({ measure, atMost, atLeast, noWorseThan, dryRun }: Omit<AnalysisSpec['objectives'][number], 'name'>): string {
  const limit =
    noWorseThan !== undefined
      ? `no worse than the control by ${noWorseThan}`
      : atMost !== undefined
        ? `at most ${atMost}`
        : `at least ${atLeast}`;
  return `${measure} ${limit}${dryRun ? ' (dry run)' : ''}`;
}

function requireName(name: string): void {
  const named = nameSchema.safeParse(name);
  if (!named.success) throw cliError('usage', `"${name}" is no name: ${named.error.issues[0]?.message}`, { field: 'name' });
}

/** @throws StarlingError `bad-file`, `bad-document` that names line and column */
async function readAnalysis(file: string): Promise<AnalysisSpec> {
  await requireFile(file, 'file', DOCUMENT_BYTES_MAXIMUM);
  const source = readYaml(file, await readFile(file, 'utf8'));
  const [unreadable] = source.errors;
  if (unreadable !== undefined) {
    const { line, column } = unreadable.place;
    throw cliError('bad-document', `${file}:${line}:${column}: ${unreadable.message}`, {
      field: 'file',
      hint: 'it is neither YAML nor JSON there',
    });
  }
  const parsed = analysisSpecSchema.safeParse(source.value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = (issue?.path ?? []).join('.');
  const { line, column } = source.placeOf(field);
  throw cliError('bad-document', `${file}:${line}:${column}: ${field === '' ? '' : `${field}: `}${issue?.message ?? 'invalid'}`, {
    field: field === '' ? 'file' : field,
    hint: 'docs/guides/analysis.md lists measures, units and limits',
  });
}
