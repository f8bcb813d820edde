import type { DeviceView, PlacementView, RunningParameter } from '@starling/shared';
import type { Output } from '../output.ts';
import { formatBytes, formatTime, shortDigest } from '../printable.ts';
import { formatFields } from '../table.ts';

/** What it did when it was last heard is no news of what it does. */
export function phaseText({ status, online, reported }: Pick<DeviceView, 'status' | 'online' | 'reported'>): string | null {
  if (reported === null || status === 'revoked') return null;
  return online ? reported.phase : `${reported.phase} when last seen`;
}

/** Who runs a place for the device; where nobody does, what would change that. */
export function placementText({ place, parts, worker }: PlacementView, release: string | null): string {
  const nodes = parts.flatMap((part) => part.nodes).join(', ');
  if (worker !== null) return `${nodes}: by ${worker.name}${worker.online ? '' : ', which is offline'}`;
  const [key, value] = place === 'cloud' ? ['place', 'cloud'] : ['group', place.slice('group:'.length)];
  const assign = `starling device assign NAME --release ${release ?? 'RELEASE'}`;
  return `${nodes}: nobody runs this. Give a device the label and the release: starling device set NAME --label ${key}=${value}; ${assign}`;
}

function runsText({ reported }: Pick<DeviceView, 'reported'>): string | null {
  if (reported?.running == null) return null;
  const { release, verified, since } = reported.running;
  return `${shortDigest(release)}${verified ? ', verified' : ''} since ${formatTime(since)}`;
}

/** Everything about one device, for people. */
export function describeDevice(view: DeviceView, { table }: Pick<Output, 'table'>): string {
  const { reported, desired, capabilities } = view;
  const fields = formatFields([
    ['device', view.name],
    ['id', view.id],
    ['status', view.status === 'active' ? (view.online ? 'active, online' : 'active, offline') : view.status],
    ['seen', formatTime(view.lastSeenAtMs)],
    ['enrolled', formatTime(view.enrolledAtMs)],
    ['agent', view.agentVersion],
    [
      'labels',
      Object.entries(view.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(', '),
    ],
    ['profile', `${view.profile} (${view.profileReason.reasons.join('; ')})`],
    ['providers', capabilities.executionProviders.map(({ name, ran }) => (ran ? name : `${name} (did not run)`)).join(', ')],
    [
      'should run',
      desired === null
        ? null
        : `${desired.releaseName ?? 'nothing'}, generation ${desired.generation}, by ${desired.assignedBy} at ${formatTime(desired.assignedAtMs)}`,
    ],
    ['works for others on', desired?.places?.join(', ')],
    ...helpTexts(view),
    ...(desired?.placement ?? []).map((each): [string, string] => [each.place, placementText(each, desired?.releaseName ?? null)]),
    ['runs', runsText(view)],
    ['phase', phaseText(view)],
    ...failingTexts(view),
    [
      'error',
      reported?.error == null
        ? undefined
        : `${reported.error.message}${reported.error.hint === undefined ? '' : ` (${reported.error.hint})`}`,
    ],
  ]);
  const parts = [fields];
  const choices = Object.entries(desired?.choices ?? {});
  if (choices.length > 0) {
    parts.push(
      '',
      table(choices, [
        { title: 'MODEL', value: ([model]) => model },
        { title: 'ARTEFACT', value: ([, { artefact }]) => shortDigest(artefact) },
        { title: 'PRECISION', value: ([, { precision }]) => precision },
        { title: 'SIZE', value: ([, { sizeBytes }]) => formatBytes(sizeBytes), right: true },
        // The words were made then: what was measured since stands in the explanation, not here.
        { title: 'WHY, WHEN IT WAS ASSIGNED', value: ([, { reason }]) => reason },
      ]),
      `\nwhat is known by now: starling artefact explain ${view.name} ${choices[0]?.[0]}`,
    );
  }
  parts.push(...parametersText(view, table));
  const steps = reported?.steps.filter(({ state }) => state !== 'done') ?? [];
  if (steps.length > 0) {
    parts.push(
      '',
      table(steps, [
        { title: 'STEP', value: ({ step }) => step },
        { title: 'SUBJECT', value: ({ subject }) => subject },
        { title: 'STATE', value: ({ state }) => state },
        {
          title: 'DONE',
          value: ({ doneBytes, totalBytes }) =>
            totalBytes === undefined ? null : `${formatBytes(doneBytes ?? 0)} of ${formatBytes(totalBytes)}`,
        },
      ]),
    );
  }
  return parts.join('\n');
}

/** Releases whose parts it runs beside its own, and where it stands with each. */
function helpTexts({ desired, reported }: DeviceView): [string, string][] {
  return (desired?.helps ?? []).map(({ release, releaseName, places }) => {
    const { state, problem } = reported?.helps?.find((help) => help.release === release) ?? { state: 'waiting', problem: undefined };
    const stands = problem === undefined ? state : `${state}: ${problem.message}`;
    return ['helps with', `${releaseName ?? release.slice(0, 12)} on ${places.join(', ')}: ${stands}`];
  });
}

const setBy = { default: 'the pipeline', release: 'the release', device: 'the device itself' } as const;

/** Values that its pipelines run with, and who has set each; nothing where they have no parameters. */
function parametersText({ reported }: DeviceView, table: Output['table']): string[] {
  const parameters = reported?.running?.parameters ?? [];
  if (parameters.length === 0) return [];
  const columns = [
    { title: 'PARAMETER', value: ({ pipeline, name }: RunningParameter) => `${pipeline}:${name}` },
    { title: 'VALUE', value: ({ value }: RunningParameter) => JSON.stringify(value) },
    { title: 'SET BY', value: ({ by }: RunningParameter) => setBy[by] },
  ];
  return ['', table(parameters, columns)];
}

/** Sources and sinks that fail, for as long as they do. */
function failingTexts({ reported }: DeviceView): [string, string][] {
  return (reported?.failing ?? []).map(({ node, message, sinceMs, attempts }) => [
    'fails',
    `${node} since ${formatTime(sinceMs)}, tried ${attempts === 1 ? 'once' : `${attempts} times`}: ${message}`,
  ]);
}
