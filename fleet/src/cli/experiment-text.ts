import type { ExperimentArm, ExperimentDetail, ExperimentPreview, IntervalEstimate } from '@starling/shared';
import type { Output } from './output.ts';
import { formatBytes, formatTime, shortDigest } from './printable.ts';
import { formatFields } from './table.ts';

export function percentText(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

/** An estimate with its interval. */
function intervalText(interval: IntervalEstimate | null, isPercent: boolean): string | null {
  if (interval === null || interval.estimate === null) return null;
  const text = (value: number | null, open: string): string =>
    value === null ? open : isPercent ? percentText(value) : String(Number(value.toPrecision(3)));
  return `${text(interval.estimate, '-')} (${text(interval.low, '...')} to ${text(interval.high, '...')})`;
}

export function describeExperiment(view: ExperimentDetail, output: Pick<Output, 'table'>): string {
  const { name, id, mode, state, measure, spec, verdict, winner, arms, off, createdBy, createdAtMs, startedAtMs, endsAtMs, finishedAtMs } =
    view;
  const isPercent = measure !== 'reward' || spec.goal.values === 'binary';
  const fields = formatFields([
    ['experiment', `${name} (${id})`],
    ['state', state],
    ['verdict', verdict],
    ['winner', winner === null ? undefined : (arms.find(({ release }) => release === winner)?.name ?? shortDigest(winner))],
    ['mode', `${mode}, by ${spec.key}, judged by ${measure}`],
    ['selector', spec.selector],
    ['devices', `${view.devices} take part`],
    [
      'off',
      off.length === 0 ? undefined : off.map(({ release, code, devices }) => `${nameOf(arms, release)} on ${devices} (${code})`).join(', '),
    ],
    ['created', `${formatTime(createdAtMs)} by ${createdBy}`],
    ['started', formatTime(startedAtMs)],
    ['ends', endsAtMs === null ? undefined : `${formatTime(endsAtMs)} at the latest`],
    ['ended', finishedAtMs === null ? undefined : formatTime(finishedAtMs)],
    ['rollout', view.rollout ?? undefined],
  ]);
  const intervals = (arm: ExperimentArm): IntervalEstimate | null =>
    measure === 'reward' ? arm.reward : measure === 'agreement' ? arm.agreement : arm.errorRate;
  const table = output.table(arms, [
    { title: 'ARM', value: (arm) => arm.name },
    { title: 'SHARE', value: ({ share }) => percentText(share), right: true },
    { title: 'ITEMS', value: ({ items }) => items, right: true },
    { title: 'FAILED', value: ({ failures }) => failures, right: true },
    { title: 'P95 MS', value: ({ latencyMs }) => (latencyMs === null ? null : Number(latencyMs.p95.toPrecision(3))), right: true },
    {
      title: 'J/ITEM',
      value: ({ joulesPerInference }) => (joulesPerInference === null ? null : Number(joulesPerInference.toPrecision(3))),
      right: true,
    },
    { title: 'OUTCOMES', value: ({ outcomes }) => (outcomes === 0 ? null : outcomes), right: true },
    { title: measure.toUpperCase(), value: (arm) => intervalText(intervals(arm), isPercent) },
    { title: 'DIFFERENCE', value: ({ difference }) => intervalText(difference, isPercent) },
    { title: 'BEST', value: ({ probabilityBest }) => (probabilityBest === null ? null : percentText(probabilityBest)), right: true },
    { title: 'VERDICT', value: (arm) => arm.verdict },
  ]);
  return `${fields}\n\n${table}`;
}

function nameOf(arms: readonly ExperimentArm[], release: string): string {
  return arms.find((arm) => arm.release === release)?.name ?? shortDigest(release);
}

export function describeExperimentPreview({ champion, devices, matched, obstacles, desiredStateBytes }: ExperimentPreview): string {
  const fields = formatFields([
    ['champion', `${champion.name} ${shortDigest(champion.release)}`],
    ['devices', `${devices} of ${matched} would take part`],
    ['desired state', `grows by up to ${formatBytes(desiredStateBytes)}`],
  ]);
  return [fields, ...obstacles.map(({ devices: many, text }) => `! ${many} devices ${text}`)].join('\n');
}
