import { compareGenerations, type DesiredState, desiredStateSchema } from '../documents/desired-state.ts';
import { FIRST_EPOCH } from '../documents/epoch.ts';
import type { TrustRoot } from '../documents/trust-root.ts';
import { DESIRED_STATE_BYTES_MAXIMUM } from '../limits.ts';
import { trustError, verifyDocument } from './verify-document.ts';
import { verifyEpoch } from './verify-epoch.ts';

/** What a device knows when a desired state arrives. */
export interface DesiredStateContext {
  root: TrustRoot;
  device: string;
  /** Newest one that it has accepted, or null at first. */
  newest: Pick<DesiredState, 'epoch' | 'generation'> | null;
  /** Milliseconds since the epoch by the trusted clock; undefined while the device has no trusted time. */
  trustedNowMs: number | undefined;
}

/**
 * Verifies a desired state in the order: signature, fleet, device, order, expiry. The same (epoch, generation) again is accepted:
 * it is sent on every connect.
 * @throws TrustError
 */
export async function verifyDesiredState(jws: string, context: DesiredStateContext): Promise<DesiredState> {
  const desired = await verifyDocument(jws, {
    kind: 'desired-state',
    keys: context.root.keys.fleet,
    schema: desiredStateSchema,
    maximumBytes: DESIRED_STATE_BYTES_MAXIMUM,
  });
  if (desired.fleetId !== context.root.fleetId) throw trustError('wrong-fleet', `desired state is of fleet ${desired.fleetId}`);
  // Attack: another device's document, replayed to this one.
  if (desired.device !== context.device) throw trustError('wrong-device', `desired state is for device ${desired.device}`);
  // Attack: rollback to a release with a known weakness.
  if (context.newest !== null && compareGenerations(desired, context.newest) < 0) {
    throw trustError(
      'rollback',
      `desired state (${desired.epoch}, ${desired.generation}) is older than (${context.newest.epoch}, ${context.newest.generation})`,
    );
  }
  // Attack: whoever has taken the fleet raises the epoch, so that the real one is never believed again.
  if (desired.epoch > Math.max(context.newest?.epoch ?? 0, FIRST_EPOCH)) await requireEpoch(desired, context.root);
  // Attack: freeze. An old but once valid document must not be adopted for ever.
  if (context.trustedNowMs !== undefined && context.trustedNowMs > desired.expiresAtMs) {
    throw trustError(
      'expired',
      `desired state expired at ${new Date(desired.expiresAtMs).toISOString()}`,
      'connect to the fleet for a fresh one',
    );
  }
  return desired;
}

async function requireEpoch({ epoch, epochProof }: DesiredState, root: TrustRoot): Promise<void> {
  if (epochProof === undefined) throw trustError('wrong-epoch', `nobody but the fleet says that epoch ${epoch} has begun`);
  const proven = await verifyEpoch(epochProof, root);
  if (proven.epoch !== epoch) throw trustError('wrong-epoch', `epoch ${proven.epoch} was signed, the desired state is of ${epoch}`);
}
