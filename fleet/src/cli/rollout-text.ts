import type { RolloutDetail, RolloutPreview, RolloutView, TargetCounts, TargetState } from '@starling/shared';
import type { Output } from './output.ts';
import { formatBytes, formatTime, shortDigest } from './printable.ts';
import { formatFields } from './table.ts';

/** States that are told where there are any, in the order in which a device goes through them. */
const shown: readonly TargetState[] = [
  ...(['waiting', 'assigned', 'succeeded', 'failed', 'timed-out', 'returning', 'returned', 'unconfirmed'] as const),
  ...(['cancelled', 'superseded', 'skipped', 'unchanged'] as const),
];

export function countsText(counts: TargetCounts): string {
  const parts = shown.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${state}`);
  return parts.length === 0 ? '-' : parts.join(', ');
}

/** One line: where it stands, and what it waits for. */
export function standText({ state, step, steps, stepName, counts, waiting }: RolloutView): string {
  const at = stepName === null ? '' : `, step ${Math.min(step + 1, steps)} of ${steps}, ${stepName}`;
  return `${state}${at}: ${countsText(counts)}${waiting === null ? '' : ` (${waiting.text})`}`;
}

export function describeRollout(view: RolloutDetail, output: Pick<Output, 'table'>): string {
  const { name, id, releaseName, release, createdBy, createdAtMs, startedAtMs, finishedAtMs, spec, failures, waiting, why } = view;
  const fields = formatFields([
    ['rollout', `${name} (${id})`],
    ['release', `${releaseName} ${shortDigest(release)}`],
    ['selector', spec.selector],
    ['state', view.stepName === null ? view.state : `${view.state}, step ${view.step + 1} of ${view.steps}: ${view.stepName}`],
    ['why', why ?? undefined],
    // What holds it is told already.
    ['now', waiting === null || waiting.text === why ? undefined : waiting.text],
    ['devices', `${view.total}: ${countsText(view.counts)}`],
    ['failures', failures.length === 0 ? undefined : failures.map(({ code, devices }) => `${code} ${devices}`).join(', ')],
    ['created', `${formatTime(createdAtMs)} by ${createdBy}`],
    ['started', formatTime(startedAtMs)],
    ['ended', finishedAtMs === null ? undefined : formatTime(finishedAtMs)],
  ]);
  const waves = output.table(view.waves, [
    { title: 'STEP', value: ({ step }) => step + 1, right: true },
    { title: 'WHAT', value: ({ name: what }) => what },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'STARTED', value: ({ started }) => started, right: true },
    { title: 'DEVICES', value: ({ counts, started }) => (started === 0 ? '' : countsText(counts)) },
    { title: 'APPROVED BY', value: ({ approvals }) => approvals.map((approval) => approval.name).join(', ') },
  ]);
  return `${fields}\n\n${waves}`;
}

export function describePreview(preview: RolloutPreview, output: Pick<Output, 'table'>): string {
  const { devices, unchanged, online, sampled, bytes, estimate, energy } = preview;
  const whole = devices - unchanged;
  const scaled = sampled < whole ? ` (worked out for ${sampled} devices, and scaled up)` : '';
  const fields = formatFields([
    ['release', `${preview.releaseName} ${shortDigest(preview.release)}`],
    ['devices', `${devices} match, ${unchanged} run it already, ${online} are online`],
    ['to move', `${formatBytes(bytes.total)}${scaled}; ${formatBytes(bytes.perDevice.low)} to ${formatBytes(bytes.perDevice.high)} each`],
    ['time', `${lengthText(estimate.lowMs)} to ${estimate.highMs === null ? '-' : lengthText(estimate.highMs)} (${estimate.basis})`],
    ['energy', energyText(energy)],
  ]);
  const waves = output.table(preview.waves, [
    { title: 'STEP', value: ({ step }) => step + 1, right: true },
    { title: 'WHAT', value: ({ name }) => name },
    { title: 'DEVICES IN ALL', value: ({ devices: reached }) => (reached === 0 ? null : reached), right: true },
  ]);
  const artefacts = output.table(preview.artefacts, [
    { title: 'MODEL', value: ({ model }) => model },
    { title: 'ARTEFACT', value: ({ artefact }) => shortDigest(artefact) },
    { title: 'KIND', value: ({ kind }) => kind },
    { title: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), right: true },
    { title: 'DEVICES', value: ({ devices: many }) => many, right: true },
  ]);
  const obstacles = preview.obstacles.map(({ devices: many, text, examples }) => `! ${many} devices ${text} (${examples.join(', ')})`);
  return [fields, waves, artefacts, ...(obstacles.length === 0 ? [] : [obstacles.join('\n')])].join('\n\n');
}

function energyText({ joulesPerInferenceNow, joulesPerInferenceThen, basis }: RolloutPreview['energy']): string {
  if (joulesPerInferenceThen === null) return `not known: ${basis}`;
  const now = joulesPerInferenceNow === null ? '' : `, ${joulesPerInferenceNow.toPrecision(3)} J now`;
  return `${joulesPerInferenceThen.toPrecision(3)} J for an inference${now} (${basis})`;
}

function lengthText(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return `${Math.round(ms / 1000)} s`;
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
