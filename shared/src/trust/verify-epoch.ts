import { EPOCH_PROOF_CHARACTERS_MAXIMUM, type Epoch, epochSchema } from '../documents/epoch.ts';
import type { TrustRoot } from '../documents/trust-root.ts';
import { trustError, verifyDocument } from './verify-document.ts';

/** @throws TrustError `unknown-key` for one that the fleet itself has signed, `wrong-fleet`, and what {@link verifyDocument} throws */
export async function verifyEpoch(signed: string, root: TrustRoot): Promise<Epoch> {
  const document = await verifyDocument(signed, {
    kind: 'epoch',
    keys: [...root.keys.publisher, ...root.keys.root],
    schema: epochSchema,
    maximumBytes: EPOCH_PROOF_CHARACTERS_MAXIMUM,
  });
  if (document.fleetId !== root.fleetId) throw trustError('wrong-fleet', `the epoch is of fleet ${document.fleetId}`);
  return document;
}
