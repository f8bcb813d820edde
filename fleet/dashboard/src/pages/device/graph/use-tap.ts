import {
  API_BASE,
  api,
  isStarlingError,
  type StarlingError,
  type TapValueView,
  type TapView,
  tapStreamPath,
  tapValueViewSchema,
} from '@starling/shared';
import { useCallback, useEffect, useRef, useState } from 'react';
import { apiClient } from '../../../data/api-client.ts';

export interface TapOptions {
  edges: string[];
  maximumPerSecond: number;
  durationMs: number;
}

export interface Tap {
  state: 'idle' | 'starting' | 'open' | 'over';
  view: TapView | undefined;
  /** Edge -> its newest values, newest last. */
  values: ReadonlyMap<string, readonly TapValueView[]>;
  /** Values that came. */
  received: number;
  /** Counts of the device and of the fleet, from the newest message. */
  last: TapValueView | undefined;
  error: StarlingError | undefined;
  start: (options: TapOptions) => void;
  stop: () => void;
}

type Running = Pick<Tap, 'state' | 'view' | 'values' | 'received' | 'last' | 'error'>;
/** Values of each edge that are kept, so that those of one item find each other. */
const KEPT = 8;
const idle: Running = { state: 'idle', view: undefined, values: new Map(), received: 0, last: undefined, error: undefined };

/** One tap on a device: started, listened to, and ended when nobody looks any more. */
export function useTap(device: string): Tap {
  const [running, setRunning] = useState(idle);
  const source = useRef<EventSource>(undefined);
  const current = useRef<TapView>(undefined);

  const stop = useCallback((): void => {
    source.current?.close();
    source.current = undefined;
    const view = current.current;
    current.current = undefined;
    if (view === undefined) return;
    setRunning((before) => ({ ...before, state: 'over' }));
    // One that has ended by itself meanwhile is none to end.
    void apiClient.call(api.stopTap, { params: { id: device, tap: view.id } }).catch(() => undefined);
  }, [device]);

  const start = useCallback(
    async (options: TapOptions): Promise<void> => {
      stop();
      setRunning({ ...idle, state: 'starting' });
      try {
        const view = await apiClient.call(api.startTap, { params: { id: device }, body: options });
        current.current = view;
        setRunning({ ...idle, state: 'starting', view });
        const stream = new EventSource(`${API_BASE}${tapStreamPath(device, view.id)}`);
        source.current = stream;
        // Only now does anybody listen: what came before is nobody's.
        stream.addEventListener('ready', () => setRunning((before) => ({ ...before, state: 'open' })));
        stream.addEventListener('error', () => {
          if (stream.readyState === EventSource.CLOSED) stop();
        });
        stream.addEventListener('message', ({ data }) => {
          const value = parseValue(String(data));
          if (value === undefined) return;
          setRunning((before) => withValue(before, value));
          if (value.end === undefined) return;
          stream.close();
          current.current = undefined;
        });
      } catch (error) {
        if (!isStarlingError(error)) throw error;
        setRunning({ ...idle, error });
      }
    },
    [device, stop],
  );
  useEffect(() => stop, [stop]);
  return { ...running, start: (options) => void start(options), stop };
}

function withValue(before: Running, value: TapValueView): Running {
  const { edge } = value;
  const isValue = edge !== undefined && value.value !== undefined;
  return {
    ...before,
    state: value.end === undefined ? before.state : 'over',
    values: isValue ? new Map([...before.values, [edge, [...(before.values.get(edge) ?? []), value].slice(-KEPT)]]) : before.values,
    received: before.received + (isValue ? 1 : 0),
    last: value,
  };
}

function parseValue(text: string): TapValueView | undefined {
  try {
    return tapValueViewSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
