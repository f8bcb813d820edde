import {
  type BenchmarkRecord,
  type CommandArguments,
  type CommandProgress,
  type CommandResultOf,
  isStarlingError,
  type MeasuredArtefact,
  messageOf,
  type NamedArtefact,
  type Problem,
  type SessionSettings,
  type TunedArtefact,
  type TuneObjective,
} from '@starling/shared';
import { type MeasurePorts, measureArtefact } from './measure.ts';
import { type Subject, type SubjectPorts, withSubject } from './subject.ts';
import { type Tuned, tuneArtefact } from './tune-artefact.ts';

export interface BenchmarkPorts extends SubjectPorts, MeasurePorts {
  /** Settings with which the artefact would be loaded here, best first. @throws StarlingError `provider-refused` */
  ladderFor(subject: Subject): SessionSettings[];
  /** The same without what was tuned. */
  usualLadderFor(subject: Subject): SessionSettings[];
  record(record: BenchmarkRecord): void;
  /** By what settings are searched where a command does not say it. */
  objective(): TuneObjective;
  keepTuning(found: Tuned & { artefact: string; model: string }): Promise<void>;
}

/**
 * Measures artefacts one after the other. One that fails does not hold up the others.
 * @throws what the first one threw, if none could be measured
 */
export async function benchmark(
  { artefacts, ...options }: CommandArguments<'benchmark'>,
  ports: BenchmarkPorts,
  signal: AbortSignal,
  onProgress: (progress: CommandProgress) => void,
): Promise<CommandResultOf<'benchmark'>> {
  const total = artefacts.length * options.runs;
  const measured: MeasuredArtefact[] = [];
  const errors: unknown[] = [];
  for (const [index, named] of artefacts.entries()) {
    const progress = (done: number, what: string): void => onProgress({ done: index * options.runs + done, total, what });
    progress(0, `prepare ${named.artefact.slice(0, 12)}`);
    let name: string | undefined;
    try {
      const record = await withSubject(named, ports, signal, (subject) => {
        name = subject.model.name;
        const what = `run ${name} ${named.artefact.slice(0, 12)}`;
        return measureArtefact(subject, ports.ladderFor(subject), options, ports, signal, (done) => progress(done, what));
      });
      ports.record(record);
      measured.push({ artefact: named.artefact, model: record.model, record });
    } catch (error) {
      if (signal.aborted) throw error;
      errors.push(error);
      measured.push({ artefact: named.artefact, ...(name === undefined ? {} : { model: name }), error: problemOf(error) });
    }
  }
  if (errors.length > 0 && errors.length === artefacts.length) throw errors[0];
  return { models: fastestPerModel(measured), artefacts: measured };
}

function fastestPerModel(measured: readonly MeasuredArtefact[]): CommandResultOf<'benchmark'>['models'] {
  const models: CommandResultOf<'benchmark'>['models'] = {};
  for (const { record } of measured) {
    if (record === undefined) continue;
    const { latencyMs, runs, provider } = record;
    const known = models[record.model];
    if (known !== undefined && known.medianMs <= latencyMs.median) continue;
    models[record.model] = { medianMs: latencyMs.median, p95Ms: latencyMs.p95, runs, provider };
  }
  return models;
}

/**
 * Tunes artefacts one after the other. One that fails does not hold up the others.
 * @throws what the first one threw, if none could be tuned
 */
export async function tune(
  { artefacts, minimise, ...options }: CommandArguments<'tune'>,
  ports: BenchmarkPorts,
  signal: AbortSignal,
  onProgress: (progress: CommandProgress) => void,
): Promise<CommandResultOf<'tune'>> {
  const objective = { ...ports.objective(), ...(minimise === undefined ? {} : { minimise }) };
  const tuned: TunedArtefact[] = [];
  const errors: unknown[] = [];
  for (const [done, named] of artefacts.entries()) {
    const progress = (what: string): void => onProgress({ done, total: artefacts.length, what });
    progress(`prepare ${named.artefact.slice(0, 12)}`);
    try {
      const found = await withSubject(named, ports, signal, async (subject) => {
        const { name } = subject.model;
        const ladder = ports.usualLadderFor(subject);
        const onTrial = (trials: number): void => progress(`${name}: ${trials} settings tried`);
        const best = await tuneArtefact(subject, ladder, objective, options, ports, signal, onTrial);
        return { artefact: named.artefact, model: name, ...best };
      });
      await ports.keepTuning(found);
      tuned.push(found);
    } catch (error) {
      if (signal.aborted) throw error;
      errors.push(error);
      tuned.push({ artefact: named.artefact, error: problemOf(error) });
    }
  }
  if (errors.length > 0 && errors.length === artefacts.length) throw errors[0];
  return { artefacts: tuned };
}

/** Artefacts of the running release, as a command would name them. */
export function namedArtefacts(
  models: readonly { name: string; digest: string }[],
  artefacts: Readonly<Record<string, string>>,
): NamedArtefact[] {
  return models.flatMap(({ name, digest }) => {
    const artefact = artefacts[name];
    return artefact === undefined ? [] : [{ artefact, modelVersion: digest }];
  });
}

function problemOf(error: unknown): Problem {
  if (!isStarlingError(error)) return { code: 'benchmark-failed', message: messageOf(error) };
  const { code, message, field, hint } = error;
  return { code, message, ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) };
}
