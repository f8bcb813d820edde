import { type FleetEvent, fleetEventSchema } from '@starling/shared';
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import type { ReadName } from './queries.ts';
import { createRenewals } from './renewals.ts';

export type LiveState = 'connecting' | 'live' | 'away';

/** What was heard: an event, a measurement among the telemetry, or anything on which choices rest. */
type Heard = FleetEvent['type'] | 'benchmark' | 'choices' | 'map';

/** What each kind of event makes old. Series, summaries, proposals and the map are heavy, so they are renewed less often. */
const madeOld: Record<Heard, readonly ReadName[]> = {
  device: ['listDevices', 'showDevice', 'explainChoice', 'overview', 'listGroups', 'listAudit', 'listClaimTokens', 'listRunningAgents'],
  reported: ['listDevices', 'showDevice', 'overview'],
  telemetry: ['overview', 'listTelemetry', 'summariseTelemetry', 'telemetrySeries', 'fleetSeries'],
  command: ['listCommands', 'showCommand', 'measurePlan', 'listCommandBatches', 'showCommandBatch', 'listNamedCommands'],
  benchmark: ['modelFigures', 'explainChoice', 'measurePlan'],
  build: ['listBuilds', 'showBuild', 'listBuildLog', 'listModels', 'showModel', 'listArtefacts'],
  catalogue: ['listModels', 'listPipelines', 'listReleases', 'showObjective', 'overview', 'listAudit', 'listAgentBuilds'],
  audit: ['listAudit'],
  rollout: ['listRollouts', 'showRollout', 'listRolloutTargets', 'listRolloutEvents'],
  experiment: ['listExperiments', 'showExperiment', 'listExperimentDevices', 'listExperimentEvents', 'listExperimentLooks'],
  choices: ['listProposals'],
  map: ['fleetMap'],
};
const paceMs: Partial<Record<Heard, number>> = { telemetry: 4000, choices: 4000, map: 10_000 };
const QUICK_MS = 300;
const RETRY_MS = 5000;

const LiveContext = createContext<LiveState>('connecting');
export const useLiveState = (): LiveState => useContext(LiveContext);

/** Listens to the fleet while it is shown, and has read again what its events are about. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => listen(queries, setState), [queries]);
  return <LiveContext value={state}>{children}</LiveContext>;
}

function listen(queries: QueryClient, onState: (state: LiveState) => void): () => void {
  const renewals = createRenewals<Heard>(
    (type) => paceMs[type] ?? QUICK_MS,
    (type, ids) =>
      Promise.all(
        madeOld[type].map((name) => queries.invalidateQueries({ queryKey: [name], predicate: ({ queryKey }) => isAbout(queryKey, ids) })),
      ),
  );
  let source: EventSource | undefined;
  let retry: number | undefined;
  let wasAway = false;

  const open = (): void => {
    source = new EventSource('/api/v1/events');
    source.addEventListener('ready', () => {
      onState('live');
      // What happened while the stream was away is not told again.
      if (wasAway) void queries.invalidateQueries();
      wasAway = false;
    });
    source.addEventListener('message', ({ data }) => {
      const event = parseEvent(String(data));
      if (event !== undefined) for (const heard of heardIn(event)) for (const id of idsIn(event)) renewals.add(heard, id);
    });
    source.addEventListener('error', () => {
      wasAway = true;
      onState('away');
      if (source?.readyState !== EventSource.CLOSED) return;
      source.close();
      retry = window.setTimeout(open, RETRY_MS);
    });
  };
  open();
  return () => {
    source?.close();
    window.clearTimeout(retry);
    renewals.stop();
  };
}

function heardIn({ type, detail }: FleetEvent): Heard[] {
  if (type === 'telemetry' && detail.kind === 'benchmark') return [type, 'benchmark', 'choices'];
  if (type === 'device') return [type, 'choices', 'map'];
  if (type === 'reported') return [type, 'map'];
  return type === 'catalogue' || type === 'build' ? [type, 'choices'] : [type];
}

/** What it is about: a command also stands in the list of its device. */
function idsIn({ type, id, detail }: FleetEvent): string[] {
  return type === 'command' && typeof detail.device === 'string' ? [id, detail.device] : [id];
}

/** Lists are about everything; what was read for one device or one build only about that. */
function isAbout([, params]: readonly unknown[], ids: ReadonlySet<string>): boolean {
  const { id } = (params ?? {}) as { id?: string };
  return id === undefined || ids.has(id);
}

function parseEvent(text: string): FleetEvent | undefined {
  try {
    return fleetEventSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
