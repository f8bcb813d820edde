import {
  type AgentBuild,
  agentBuildSchema,
  type CommandProgress,
  DOCUMENT_BYTES_MAXIMUM,
  StarlingError,
  verifyDocument,
} from '@starling/shared';
import type { Puller } from '../blobs/index.ts';
import type { UnderNewestRoot } from '../link/index.ts';
import type { AgentUpdater } from '../ports/agent-updater.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Keeper } from '../reconcile/index.ts';

export interface UpdatePorts {
  updater: AgentUpdater | undefined;
  fleetId: string;
  puller: Pick<Puller, 'document' | 'blob'>;
  store: Pick<BlobStore, 'locate' | 'freeBytes' | 'remove'>;
  keeper: Pick<Keeper, 'guard'>;
  underNewestRoot: UnderNewestRoot;
  hasRelease(): boolean;
}

export interface UpdateCall {
  id: string;
  signal: AbortSignal;
  onProgress(progress: CommandProgress): void;
}

/** Bytes on disk for each byte of the package: itself, and unpacked. */
const ROOM_FACTOR = 5;

/**
 * Carries out the command, over several lives of the agent: the fleet sends it again to each, until one answers. The first fetches,
 * verifies and hands over; the new one waits until it has proved itself; whoever is there at the end says what came of it.
 * @throws StarlingError `not-supported`, `update-failed`, `no-package`, `older-build`, `disk-full`, a trust error
 */
export async function updateAgent(
  build: string,
  call: UpdateCall,
  ports: UpdatePorts,
): Promise<{ version: string; before: string | null }> {
  const { updater } = ports;
  if (updater === undefined) {
    throw new StarlingError('not-supported', 'this agent is not replaced by a command', { hint: 'a browser gets its agent with the page' });
  }
  const outcome = await updater.outcome(call.id);
  if (outcome.state === 'done') return { version: outcome.version, before: outcome.before };
  if (outcome.state === 'failed') {
    throw new StarlingError('update-failed', `the device went back to its agent of before: ${outcome.reason}`, {
      hint: 'see the log of the device',
    });
  }
  // Whoever watches over this life ends it, whatever comes of it; the next one answers.
  if (outcome.state === 'trial') return new Promise(() => undefined);
  const document = await fetchBuild(build, call.signal, ports);
  const running = await updater.running();
  if (document.version === running.version) return { version: document.version, before: running.version };
  const chosen = chooseBuild(document, { ...running, platform: updater.platform, fleetId: ports.fleetId });
  if ((await ports.store.freeBytes()) < chosen.sizeBytes * ROOM_FACTOR) {
    throw new StarlingError('disk-full', `the new agent needs ${chosen.sizeBytes * ROOM_FACTOR} bytes on disk`, {
      hint: 'free space on the device',
    });
  }
  const own = new Set([build, chosen.digest, chosen.manifest]);
  // No release names the package: one that ends its probation meanwhile would have it collected.
  const end = await ports.keeper.guard(own);
  try {
    const manifest = await ports.puller.blob(chosen.manifest, [], call.signal, ({ doneBytes, totalBytes }) =>
      call.onProgress({ done: doneBytes, total: totalBytes, what: 'bytes' }),
    );
    // Attack: a taken fleet has another manifest under the name. What is in it was verified as the bytes came.
    if (manifest.digest !== chosen.digest)
      throw new StarlingError('digest-mismatch', 'the package is not the one that the publisher has signed');
    const { version, issuedAtMs } = document;
    return await updater.install({
      ...{ command: call.id, version, issuedAtMs, digest: chosen.digest },
      ...{ location: ports.store.locate(chosen.digest), hasRelease: ports.hasRelease() },
      unpacked: () => ports.store.remove(own),
    });
  } finally {
    end();
  }
}

async function fetchBuild(digest: string, signal: AbortSignal, { puller, underNewestRoot }: UpdatePorts): Promise<AgentBuild> {
  const jws = new TextDecoder().decode(await puller.document(digest, signal));
  const expected = { kind: 'agent-build', schema: agentBuildSchema, maximumBytes: DOCUMENT_BYTES_MAXIMUM } as const;
  return underNewestRoot(({ keys }) => verifyDocument(jws, { ...expected, keys: keys.publisher }));
}

/** The package for this device. Pure, so that each refusal is tried in a test. */
export function chooseBuild(
  { version, fleetId, issuedAtMs, packages }: AgentBuild,
  running: { version: string | null; issuedAtMs: number; platform: string; fleetId: string },
): AgentBuild['packages'][number] {
  if (fleetId !== running.fleetId) throw new StarlingError('wrong-fleet', `the agent is for fleet ${fleetId}`, { field: 'build' });
  // Attack: an old agent with known holes, which was signed once.
  if (issuedAtMs < running.issuedAtMs) {
    throw new StarlingError('older-build', `the agent ${version} was published before the one that runs`, {
      field: 'build',
      hint: 'to go back on purpose, publish the old one again under a new name',
    });
  }
  const found = packages.find(({ platform }) => platform === running.platform);
  if (found !== undefined) return found;
  throw new StarlingError('no-package', `the agent ${version} has no package for ${running.platform}`, {
    field: 'build',
    hint: `it has ${packages.map(({ platform }) => platform).join(', ')}`,
  });
}
