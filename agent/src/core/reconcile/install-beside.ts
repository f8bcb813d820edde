import { type Assignment, StarlingError } from '@starling/shared';
import { fetchDocuments, type ReleaseDocuments } from './documents.ts';
import { substitute } from './fallbacks.ts';
import { digestsOf, installedRelease, memoryNeeds, pullBlobs, requireMemory, requireOperators, requireSpace } from './installer.ts';
import { loadKey } from './plan.ts';
import { noneLeft, requireWhole, selfTestFailed } from './problems.ts';
import type { ReconcilePorts, Reconciler, Target } from './reconciler.ts';

/** A release that is loaded beside the one that the device is to run. */
export interface Beside {
  /** What is loaded of it. */
  key?: string | undefined;
  documents?: ReleaseDocuments | undefined;
  /** Kept on the disk for it. */
  digests: Set<string>;
  free?: (() => Promise<void>) | undefined;
}

export type BesidePorts = Pick<
  ReconcilePorts,
  'store' | 'puller' | 'host' | 'underNewestRoot' | 'verdicts' | 'tunings' | 'modelMemoryBytes' | 'device'
> & { reconciler: Pick<Reconciler, 'keeper' | 'note' | 'holds' | 'running'> };

/** What comes with the release of the device, and holds for what is beside it. */
export type BesideSettings = Pick<Target, 'profile' | 'telemetryWindowMs'>;

interface Installing extends BesidePorts {
  signal: AbortSignal;
  /** All that is loaded beside the release of the device: what they share needs no more memory. */
  others: readonly Beside[];
  settings: BesideSettings;
  /** How a copy with closed sinks is named, which is not what the device would run. */
  shadow?: string | undefined;
}

/** Everything that a release goes through before a device runs it, but for taking over. @throws StarlingError */
export async function installBeside(each: Beside, wanted: Assignment, ports: Installing): Promise<void> {
  const { store, puller, host, signal, reconciler, verdicts, settings, device, shadow } = ports;
  const { assignment, refused } = substitute(wanted, verdicts.refusal);
  if (assignment === undefined) throw noneLeft(refused);
  const documents = await ports.underNewestRoot((root) => fetchDocuments(assignment, root, (digest) => puller.document(digest, signal)));
  requireOperators(documents);
  const loaded = [reconciler.running(), ...ports.others.map((other) => other.documents)].flatMap((other) => other?.models ?? []);
  const needs = memoryNeeds(
    documents,
    loaded.map(({ artefactDigest }) => artefactDigest),
  );
  requireMemory(needs, await ports.modelMemoryBytes());
  await requireSpace(documents, store);
  each.free ??= reconciler.keeper.keep(each.digests);
  const keep = async (): Promise<void> => {
    for (const digest of await digestsOf(documents, store)) each.digests.add(digest);
  };
  await keep();
  await pullBlobs(documents, puller, await reconciler.keeper.manifests(), signal, () => undefined);
  await keep();
  await requireWhole(documents, store);
  const installed = await installedRelease(documents, store, { ...settings, device }, ports.tunings);
  const key = `${loadKey(assignment)}${shadow ?? ''}`;
  await host.load({ ...installed, key, ...(shadow === undefined ? {} : { isShadow: true }) });
  each.key = key;
  each.documents = documents;
  const report = await host.selfTest(key);
  for (const { passed, maximumError, reason, artefact, provider } of Object.values(report.models)) {
    const why = passed ? {} : { code: 'self-test-failed', reason: reason ?? 'wrong outputs' };
    await reconciler.note({ artefact, provider, passed, maximumError, ...why });
  }
  if (report.passed) return;
  await host.unload(key).catch(() => undefined);
  each.key = undefined;
  // A runner-up may compute right: only where none is left it is over.
  if (substitute(wanted, verdicts.refusal).assignment !== undefined) return installBeside(each, wanted, ports);
  throw selfTestFailed(report);
}

/** Gives up what is loaded and kept of it, as far as the device does not run it itself. */
export async function leaveBeside(each: Beside, { host, reconciler }: Pick<BesidePorts, 'host' | 'reconciler'>): Promise<void> {
  if (each.key !== undefined && !reconciler.holds(each.key)) await host.unload(each.key).catch(() => undefined);
  each.key = undefined;
  await each.free?.().catch(() => undefined);
  each.free = undefined;
}

/** @throws StarlingError `superseded`, once it is aborted */
export function supersededBy(abort: AbortController): AbortController {
  abort.abort(new StarlingError('superseded', 'a newer desired state came'));
  return new AbortController();
}
