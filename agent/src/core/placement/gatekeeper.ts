import {
  type Assignment,
  cborDecode,
  type DesiredState,
  isStarlingError,
  messageOf,
  STREAM_MESSAGE_BYTES_MAXIMUM,
  StarlingError,
  streamOpenSchema,
  type TrustRoot,
  verifyDesiredState,
} from '@starling/shared';
import type { HostEvent, RuntimeHost } from '../ports/runtime-host.ts';
import { decodeFrame } from './messages.ts';
import type { StreamTopic } from './worker-streams.ts';

export interface GatekeeperPorts {
  device: string;
  host: Pick<RuntimeHost, 'stream' | 'placement'>;
  underNewestRoot<Value>(use: (root: TrustRoot) => Promise<Value>): Promise<Value>;
  trustedNowMs(): number | undefined;
  /** @returns false if the link did not take it */
  publish(params: StreamTopic & { from: string; to: string }, payload: Uint8Array): Promise<boolean>;
  refused(reason: string): void;
}

/** Stands between the connection and the parts: lets in what the fleet has signed that it may come, and nothing else. */
export interface Gatekeeper {
  /** A desired state was taken up. @param signed as it came: it is what this device shows to its workers */
  adopted(signed: string, desired: Pick<DesiredState, 'assignment'>): void;
  online(): void;
  offline(): void;
  receive(params: Readonly<Record<string, string>>, payload: Uint8Array): Promise<void>;
  send(event: Extract<HostEvent, { type: 'stream' }>): void;
}

/** Homes whose grants are remembered; another shows its own again. */
const GRANTS_MAXIMUM = 4096;
/** Longer messages are no `open`: a grant is as long as a desired state. */
const OPEN_BYTES_MAXIMUM = 16 * 1024;
/** So many bytes of pieces may be on their way to the broker; what is beyond is let go, and sent again. */
const UNDER_WAY_BYTES_MAXIMUM = 2 * STREAM_MESSAGE_BYTES_MAXIMUM;

interface Grant {
  epoch: number;
  generation: number;
}

export function createGatekeeper(ports: GatekeeperPorts): Gatekeeper {
  const { device, host } = ports;
  let assignment: Assignment | null = null;
  let signed = '';
  let isOnline = false;
  let underWayBytes = 0;
  const grants = new Map<string, Grant>();
  /** Devices of which it was said that they may not come: a refusal is news once. */
  const told = new Set<string>();
  // One message after the other: a grant is checked before what comes under it.
  let work: Promise<void> = Promise.resolve();

  const tell = (): void => {
    host.placement({ isOnline, workers: assignment?.workers ?? {}, grant: signed }).catch(() => undefined);
  };
  /** @throws StarlingError `not-granted`, or what {@link verifyDesiredState} throws */
  const requireGrant = async (from: string, topic: StreamTopic, payload: Uint8Array): Promise<void> => {
    // Attack: a device that nobody sent here. The broker keeps it away; a taken broker must not be able to let it in.
    const frame = decodeFrame(payload);
    const open = frame.count === 1 && frame.data.length <= OPEN_BYTES_MAXIMUM ? openIn(frame.data) : undefined;
    if (open === undefined) {
      if (!grants.has(from)) throw notGranted(from);
      return;
    }
    // Attack: an old document, from when this device still worked for that one.
    const newest = grants.get(from) ?? null;
    const context = { device: from, newest, trustedNowMs: ports.trustedNowMs() };
    const desired = await ports.underNewestRoot((root) => verifyDesiredState(open.grant, { ...context, root }));
    grants.delete(from);
    const isMine = Object.values(desired.assignment?.workers ?? {}).includes(device);
    if (!isMine || open.pipeline !== topic.pipeline || open.part !== topic.part) throw notGranted(from);
    told.delete(from);
    grants.set(from, { epoch: desired.epoch, generation: desired.generation });
    if (grants.size > GRANTS_MAXIMUM) grants.delete(grants.keys().next().value as string);
  };
  return {
    adopted(document, desired) {
      signed = document;
      assignment = desired.assignment;
      tell();
    },
    online() {
      isOnline = true;
      tell();
    },
    offline() {
      isOnline = false;
      tell();
    },
    receive({ pipeline = '', part = '', from = '', to = '' }, payload) {
      if (to !== device) return Promise.resolve();
      const topic = { pipeline, part };
      work = work.then(async () => {
        try {
          const isMyWorker = Object.values(assignment?.workers ?? {}).includes(from);
          if (!isMyWorker) await requireGrant(from, topic, payload);
          await host.stream(from, topic, payload);
        } catch (error) {
          const code = isStarlingError(error) ? error.code : '';
          if (code === 'not-granted' && told.has(from)) return;
          if (code === 'not-granted' && told.size < GRANTS_MAXIMUM) told.add(from);
          ports.refused(isStarlingError(error) ? `${error.code}: ${error.message}` : messageOf(error));
        }
      });
      return work;
    },
    send({ to, pipeline, part, payload }) {
      if (!isOnline || underWayBytes + payload.length > UNDER_WAY_BYTES_MAXIMUM) return;
      underWayBytes += payload.length;
      ports
        .publish({ pipeline, part, from: device, to }, payload)
        .catch(() => false)
        .then(() => {
          underWayBytes -= payload.length;
        });
    },
  };
}

function openIn(data: Uint8Array) {
  try {
    return cborDecode(data, streamOpenSchema);
  } catch {
    return undefined;
  }
}

function notGranted(from: string): StarlingError {
  return new StarlingError('not-granted', `the fleet has not said that this device works for ${from}`);
}
