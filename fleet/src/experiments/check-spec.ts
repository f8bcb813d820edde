import {
  type AnalysisSpec,
  type ExperimentSpec,
  expandPipeline,
  goalOf,
  type Pipeline,
  parametersFor,
  type Release,
  StarlingError,
} from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import { requireMeasurable } from '../analysis/index.ts';
import { releasesAmong } from './members-store.ts';
import type { ExperimentPorts } from './ports.ts';

export interface NamedRelease {
  digest: string;
  document: Release;
}

export interface CheckedSpec {
  champion: NamedRelease;
  challengers: NamedRelease[];
  where: SQL;
  /** With its guards written out. */
  spec: ExperimentSpec;
}

/**
 * Everything that can be said of an experiment before devices are chosen.
 * @throws StarlingError that names the field and the fix
 */
export async function checkSpec(spec: ExperimentSpec, ports: ExperimentPorts): Promise<CheckedSpec> {
  const where = await ports.matching(spec.selector);
  const champion = await championOf(spec, where, ports);
  const challengers: NamedRelease[] = [];
  for (const [index, { release }] of spec.challengers.entries()) {
    const found = await below(`challengers.${index}.release`, () => ports.releases.find(release));
    const isChampion = found.digest === champion.digest;
    if (isChampion || challengers.some(({ digest }) => digest === found.digest))
      throw new StarlingError('same-release', `${found.document.name} is ${isChampion ? 'the champion' : 'a challenger already'}`, {
        field: `challengers.${index}.release`,
        hint: isChampion ? 'challenge it with another release' : 'name each release once',
      });
    challengers.push(found);
  }
  for (const [index, release] of [champion, ...challengers].entries()) {
    const field = index === 0 ? 'champion' : `challengers.${index - 1}.release`;
    const { places } = await ports.releases.plan(release.digest);
    if (places.length > 0)
      throw new StarlingError('placed-release', `${release.document.name} runs on several machines (${places.join(', ')})`, {
        field,
        hint: 'experiments compare releases that run on one; compare these by a rollout to half of the homes, with an analysis',
      });
  }
  for (const [index, challenger] of challengers.entries())
    await requireSameEnds(champion, challenger, `challengers.${index}.release`, ports);
  requireGoal(spec);
  const guards =
    spec.guards === undefined ? undefined : await below('guards', async () => requireMeasurable(await ports.analysis.resolve(spec.guards)));
  return { champion, challengers, where, spec: { ...spec, ...(guards === undefined ? {} : { guards: { ...guards } }) } };
}

/** The guards of a checked experiment. */
export function guardsOf({ guards }: Pick<ExperimentSpec, 'guards'>): AnalysisSpec | undefined {
  return guards as AnalysisSpec | undefined;
}

async function championOf(spec: ExperimentSpec, where: SQL, { db, releases }: ExperimentPorts): Promise<NamedRelease> {
  const { champion } = spec;
  if (champion !== undefined) return below('champion', () => releases.find(champion));
  const running = await releasesAmong(db, where);
  const named = running.filter((each): each is { release: string; devices: number } => each.release !== null);
  const [only] = named;
  if (only === undefined)
    throw new StarlingError('no-champion', 'the selector matches no device that is to run a release', {
      field: 'selector',
      hint: 'give the devices a release first, or match others: see "starling device ls"',
    });
  if (named.length > 1) {
    const names = await Promise.all(
      named.slice(0, 5).map(async ({ release, devices }) => `${(await releases.find(release)).document.name} on ${devices}`),
    );
    throw new StarlingError('several-champions', `the devices are to run ${named.length} releases: ${names.join(', ')}`, {
      field: 'champion',
      hint: 'name the one that is challenged: "champion: NAME"; devices with another stay out',
    });
  }
  return releases.find(only.release);
}

/** What is wrong is told as a field of the experiment. */
async function below<Value>(field: string, find: () => Promise<Value>): Promise<Value> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof StarlingError)) throw error;
    const { code, message, hint } = error;
    throw new StarlingError(code, message, { field, ...(hint === undefined ? {} : { hint }) });
  }
}

function requireGoal(spec: ExperimentSpec): void {
  const { measure, atLeast } = goalOf(spec);
  if (atLeast !== undefined && measure !== 'agreement')
    throw new StarlingError('bad-goal', `"atLeast" means nothing for ${measure}`, {
      field: 'goal.atLeast',
      hint: 'it is for "measure: agreement"',
    });
}

/**
 * A challenger is given the items of the champion, and what it gives goes where that of the champion goes: inputs, sources and sinks have to be
 * the same. Everything in between may be another.
 */
async function requireSameEnds(champion: NamedRelease, challenger: NamedRelease, field: string, ports: ExperimentPorts): Promise<void> {
  const [own, others] = [await endsOf(champion, ports), await endsOf(challenger, ports)];
  for (const [name, ends] of own) {
    const found = others.get(name);
    if (found === ends) continue;
    const what = found === undefined ? `has no ${name}` : `has another ${name}`;
    throw new StarlingError('other-ends', `${challenger.document.name} ${what} than ${champion.document.name}`, {
      field,
      hint: 'inputs, sources and sinks of a challenger are those of the champion: it gets the same items',
    });
  }
  const extra = [...others.keys()].find((name) => !own.has(name));
  if (extra !== undefined)
    throw new StarlingError('other-ends', `${challenger.document.name} has a ${extra}, and ${champion.document.name} has none`, {
      field,
      hint: 'inputs, sources and sinks of a challenger are those of the champion: nobody would feed or hear the others',
    });
}

/** Where items come in and go out, each as a text that is equal where it is the same. */
async function endsOf({ document }: NamedRelease, { pipelines }: ExperimentPorts): Promise<Map<string, string>> {
  const ends = new Map<string, string>();
  for (const { digest } of [document.pipeline, ...document.alongside]) {
    const pipeline: Pipeline = (await pipelines.show(digest)).document;
    const { name, inputs } = pipeline;
    for (const [input, type] of Object.entries(inputs)) ends.set(`input ${name}:${input}`, type);
    if (Object.keys(inputs).length === 0) ends.set(`pipeline ${name}`, '');
    for (const [node, declared] of Object.entries(expandPipeline(pipeline, parametersFor(document, name)).nodes)) {
      if ('source' in declared) ends.set(`source ${name}:${node}`, JSON.stringify([declared.source, declared.params]));
      if ('sink' in declared) ends.set(`sink ${name}:${node}`, JSON.stringify([declared.sink, declared.params]));
    }
  }
  return ends;
}
