import { type CommandArguments, type CommandResultOf, cborEncode, type TapCounts, type TapEnd, type TapMessage } from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { RuntimeHost } from '../ports/runtime-host.ts';

/** Who watches what on this device, for those who stand in front of it. */
export interface OpenTap {
  tap: string;
  edges: string[];
  /** The account that asked for it. */
  account: string;
  untilMs: number;
  /** The values are kept and uploaded, as a capture. */
  isKept?: boolean;
}

/** The side of taps that the control plane has. */
export interface TapRelay {
  /** @throws what `RuntimeHost.tap` throws */
  start(given: CommandArguments<'tap'>, account: string): Promise<CommandResultOf<'tap'>>;
  stop(tap: string): Promise<TapCounts | undefined>;
  /** Sends on what the host has seen. */
  relay(message: TapMessage): void;
  /** Nobody can be told any more: whoever watched has to ask again. */
  linkLost(): void;
  /** The host is gone, and its taps with it. */
  hostEnded(): void;
  open(): OpenTap[];
}

export interface TapRelayPorts {
  clock: Clock;
  host: Pick<RuntimeHost, 'tap' | 'untap'>;
  /** @returns false if the link did not take it */
  publish(tap: string, payload: Uint8Array): Promise<boolean>;
  /** Taps have begun or ended. */
  onChange?: (() => void) | undefined;
}

/** What may be on its way to the broker and not yet written out: more means that the link is slower than the taps. */
const UNDER_WAY_BYTES_MAXIMUM = 1024 * 1024;
/** The newest messages tell how much was dropped; of taps that ended long ago nothing is kept. */
const COUNTED_MAXIMUM = 64;

export function createTapRelay({ clock, host, publish, onChange }: TapRelayPorts): TapRelay {
  const open = new Map<string, OpenTap>();
  /** Messages of each tap or replay that the link did not carry. */
  const lost = new Map<string, number>();
  let underWayBytes = 0;

  const changed = (): void => onChange?.();
  const close = (tap: string): void => {
    if (open.delete(tap)) changed();
  };
  const lose = (tap: string): void => {
    const count = (lost.get(tap) ?? 0) + 1;
    lost.delete(tap);
    lost.set(tap, count);
    if (lost.size > COUNTED_MAXIMUM) lost.delete(lost.keys().next().value as string);
  };
  const send = (message: TapMessage): void => {
    const { tap, counts, end } = message;
    const payload = cborEncode({ ...message, counts: { ...counts, link: lost.get(tap) ?? 0 } });
    // The end is small, and whoever waits for it should not wait in vain.
    if (underWayBytes + payload.length > UNDER_WAY_BYTES_MAXIMUM && end === undefined) {
      lose(tap);
      return;
    }
    underWayBytes += payload.length;
    publish(tap, payload)
      .catch(() => false)
      .then((sent) => {
        underWayBytes -= payload.length;
        if (!sent) lose(tap);
        if (end !== undefined) lost.delete(tap);
      });
  };
  const end = (tap: string, reason: TapEnd): void => {
    close(tap);
    send({ tap, sequence: 0, counts: { seen: 0, skipped: 0, rate: 0, busy: 0, link: 0 }, end: reason });
  };
  return {
    async start(given, account) {
      const started = await host.tap(given);
      const untilMs = Math.round(clock.wallMs()) + given.durationMs;
      open.set(given.tap, { tap: given.tap, edges: started.edges, account, untilMs });
      changed();
      return { ...started, untilMs };
    },
    async stop(tap) {
      const counts = await host.untap(tap);
      close(tap);
      return counts;
    },
    relay(message) {
      if (message.end !== undefined) close(message.tap);
      send(message);
    },
    linkLost() {
      for (const tap of open.keys()) host.untap(tap).catch(() => close(tap));
    },
    hostEnded() {
      for (const tap of [...open.keys()]) end(tap, 'host-ended');
    },
    open: () => [...open.values()].map((each) => ({ ...each, edges: [...each.edges] })),
  };
}
