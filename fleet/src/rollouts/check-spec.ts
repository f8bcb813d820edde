import { type Release, type RolloutSpec, StarlingError } from '@starling/shared';
import type { RolloutAnalysis } from './analysis-port.ts';
import { problemsOfSteps } from './plan-waves.ts';
import type { RolloutPorts } from './ports.ts';
import { problemsOfWindows } from './windows.ts';

/** A rollout that starts later than this was mistyped. */
const START_WITHIN_MS = 366 * 86_400_000;

/**
 * What can be said about a rollout without looking at devices.
 * @throws StarlingError that names the field and the fix
 */
export async function checkSpec(spec: RolloutSpec, ports: RolloutPorts): Promise<{ digest: string; document: Release }> {
  const { clock, profiles, analysis } = ports;
  const nowMs = clock.nowMs();
  const [problem] = problemsOfSteps(spec);
  if (problem !== undefined) throw new StarlingError('bad-steps', problem.message, { field: problem.field, hint: problem.hint });
  const [window] = spec.windows === undefined ? [] : problemsOfWindows(spec.windows, nowMs);
  if (window !== undefined) throw new StarlingError(window.code, window.message, { field: window.field, hint: window.hint });
  const unknown = (spec.requires.profiles ?? []).find((profile) => !profiles.has(profile));
  if (unknown !== undefined)
    throw new StarlingError('unknown-profile', `there is no device profile ${unknown}`, {
      field: 'requires.profiles',
      hint: `there are: ${[...profiles.keys()].join(', ')}`,
    });
  if (spec.startAt !== undefined && Date.parse(spec.startAt) - nowMs > START_WITHIN_MS)
    throw new StarlingError('bad-start', `${spec.startAt} is more than a year away`, { field: 'startAt', hint: 'check the year' });
  const growth = spec.rate?.growth;
  if (growth !== undefined && growth.maximumPerMinute < (spec.rate?.perMinute ?? 0))
    throw new StarlingError('bad-rate', 'it can never grow: its maximum is below its beginning', {
      field: 'rate.growth.maximumPerMinute',
      hint: 'give more than rate.perMinute',
    });
  await resolveAnalyses(spec, analysis);
  return ports.releases.find(spec.release);
}

/** The rollout with its analyses written out. @throws StarlingError that names the field and the fix */
export async function resolveAnalyses(spec: RolloutSpec, analysis: RolloutAnalysis): Promise<RolloutSpec> {
  const steps: RolloutSpec['steps'] = [];
  for (const [index, step] of spec.steps.entries()) {
    if (!('analyse' in step)) steps.push(step);
    else
      steps.push({
        ...step,
        analyse: await analysis.resolve(step.analyse).catch((error: unknown) => throwBelow(error, `steps.${index}.analyse`)),
      });
  }
  if (spec.analysis === undefined) return { ...spec, steps };
  return { ...spec, steps, analysis: await analysis.resolve(spec.analysis).catch((error: unknown) => throwBelow(error, 'analysis')) };
}

/** What is wrong inside a part, told as a field of the whole. */
function throwBelow(error: unknown, field: string): never {
  if (!(error instanceof StarlingError)) throw error;
  const { code, message, hint } = error;
  const inner = error.field === undefined || error.field === 'analysis' ? '' : `.${error.field}`;
  throw new StarlingError(code, message, { field: `${field}${inner}`, ...(hint === undefined ? {} : { hint }) });
}

/** @throws StarlingError `matches-none`, `matches-all`, `too-many-devices` */
export function requireMatches(matched: number, active: number, { all, maximum }: { all: boolean; maximum: number }): void {
  if (matched === 0)
    throw new StarlingError('matches-none', 'the selector matches no active device', {
      field: 'selector',
      hint: 'try it with "starling rollout preview", and see labels with "starling device ls"',
    });
  if (matched === active && active > 1 && !all)
    throw new StarlingError('matches-all', `the selector matches every device (${active})`, {
      field: 'selector',
      hint: 'if that is meant, say so with --all',
    });
  if (matched > maximum)
    throw new StarlingError('too-many-devices', `the selector matches ${matched} devices, one rollout takes at most ${maximum}`, {
      field: 'selector',
      hint: 'make one rollout for each part of the fleet',
    });
}
