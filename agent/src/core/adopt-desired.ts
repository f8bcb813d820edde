/** A signed desired state -> verified, written down, and what reconciler, those beside it and gatekeeper go by. */
import { type DesiredState, messageOf, type TrustRoot, verifyDesiredState } from '@starling/shared';
import type { Journal } from './journal/index.ts';
import type { Trust } from './link/index.ts';
import type { Gatekeeper } from './placement/index.ts';
import type { DeviceKey } from './ports/key-store.ts';
import type { Log } from './ports/log.ts';
import type { RuntimeHost } from './ports/runtime-host.ts';
import type { Challengers, Helping, Reconciler } from './reconcile/index.ts';

export interface AdoptPorts {
  key: DeviceKey;
  trust: Trust;
  journal: Journal;
  host: RuntimeHost;
  log: Log;
}

export interface Adopters {
  reconciler: Reconciler;
  challengers: Challengers;
  helping: Helping;
  gatekeeper: Gatekeeper;
}

/** Verifies a desired state and makes it the target. */
export async function adopt(signed: string, root: TrustRoot, ports: AdoptPorts, parts: Adopters): Promise<void> {
  const { reconciler, gatekeeper } = parts;
  const { key, trust, journal, log } = ports;
  const newest = journal.state.desired;
  const desired = await verifyDesiredState(signed, { root, device: key.device, newest, trustedNowMs: trust.nowMs() });
  const { epoch, generation, assignment, settings } = desired;
  trace(ports, settings.traceRatio);
  gatekeeper.adopted(signed, desired);
  const isNew = newest === null || newest.epoch !== epoch || newest.generation !== generation;
  if (isNew) {
    await journal.record({ type: 'desired', signed, epoch, generation });
    log.info('a new desired state', { epoch, generation, release: assignment?.release.slice(0, 12) ?? 'none' });
  }
  if (isNew || reconciler.reported().phase === 'idle') aim(desired, parts);
}

function aim(desired: DesiredState, { reconciler, challengers, helping }: Adopters): void {
  const { assignment, experiment, helps = [], profile, settings, epoch, generation } = desired;
  const target = { assignment, profile, telemetryWindowMs: settings.telemetryWindowMs, epoch, generation };
  challengers.setTarget(assignment === null ? undefined : experiment, target);
  helping.setTarget(assignment === null ? [] : helps, target);
  reconciler.setTarget(target);
}

/** What was accepted before a restart is taken up again; an expired one only waits for the fleet. */
export async function adoptKept(ports: AdoptPorts, parts: Adopters): Promise<void> {
  const kept = ports.journal.state.desired;
  if (kept === null) return;
  try {
    const context = { root: ports.trust.root(), device: ports.key.device, newest: kept, trustedNowMs: ports.trust.nowMs() };
    const desired = await verifyDesiredState(kept.signed, context);
    parts.gatekeeper.adopted(kept.signed, desired);
    trace(ports, desired.settings.traceRatio);
    aim(desired, parts);
  } catch (error) {
    ports.log.warn('the kept desired state is not taken up', { reason: messageOf(error) });
  }
}

/** Takes effect at once, for the release that runs too: what is recorded is no part of what runs. */
function trace({ host, log }: Pick<AdoptPorts, 'host' | 'log'>, ratio: number): void {
  host.trace(ratio).catch((error: unknown) => log.warn('the share of traced items was not set', { reason: messageOf(error) }));
}
