import {
  type Capture,
  type CaptureView,
  type CommandArguments,
  type CommandView,
  captureSchema,
  cborDecode,
  commandTable,
  type EgressPolicy,
  isStarlingError,
  OUTPUT_NODE,
  type Policies,
  StarlingError,
} from '@starling/shared';
import type { BlobStore } from '../blobs/index.ts';
import { type Commands, capturesKept } from '../commands/index.ts';
import type { Database } from '../db/index.ts';
import type { Devices } from '../devices/index.ts';
import type { Clock } from '../ports.ts';
import type { Releases } from '../releases/index.ts';
import { archiveOf } from './archive.ts';

/** What devices have captured. */
export interface Captures {
  /**
   * Says at once what the device would: by the release that it runs, and its policy.
   * @throws StarlingError `unknown-edge`, `unknown-pipeline`, `capture-refused`
   */
  requireAllowed(device: string, asked: CaptureAsked): Promise<void>;
  /** @throws StarlingError `not-found` where nothing has arrived, or it was kept for long enough */
  show(id: string): Promise<CaptureView>;
  /** Its manifest and its values as a zip archive. */
  archive(id: string): Promise<{ name: string; bytes: AsyncIterable<Uint8Array> }>;
  /** Chunks of all that is to be kept. */
  references(): Promise<Set<string>>;
}

export type CaptureAsked = Pick<CommandArguments<'capture'>, 'edges' | 'pipeline'>;

export interface CapturePorts {
  db: Database;
  clock: Clock;
  blobs: Pick<BlobStore, 'readBlob' | 'reachable'>;
  commands: Pick<Commands, 'show'>;
  devices: Pick<Devices, 'find'>;
  releases: Pick<Releases, 'find' | 'edges'>;
}

const DAY_MS = 86_400_000;

export function createCaptures(ports: CapturePorts): Captures {
  const { db, clock, blobs, commands, devices, releases } = ports;
  const policiesOf = async (release: string): Promise<Policies | undefined> =>
    releases.find(release).then(
      ({ document }) => document.policies,
      (error: unknown) => {
        if (isStarlingError(error)) return undefined;
        throw error;
      },
    );
  /** When it is over: the publisher says for how many days results are kept. Without its release it says nothing, and so is over. */
  const keptUntilMs = async (release: string, finishedAtMs: number): Promise<number> =>
    finishedAtMs + ((await policiesOf(release))?.retention.resultDays ?? 0) * DAY_MS;

  const find = async (id: string): Promise<{ view: CaptureView; capture: Capture }> => {
    const command = await commands.show(id);
    const { device, name, finishedAtMs } = command;
    const { data } = commandTable.capture.result.safeParse(command.result);
    if (name !== 'capture' || data?.upload === undefined || finishedAtMs === null) throw nothingHere(command);
    const untilMs = await keptUntilMs(data.release, finishedAtMs);
    if (clock.nowMs() > untilMs) {
      throw new StarlingError('not-found', `what was captured was kept until ${new Date(untilMs).toISOString()}`, {
        field: 'id',
        hint: 'policies.retention.resultDays of its release says for how long',
      });
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of blobs.readBlob(data.upload.manifest)) pieces.push(piece);
    const capture = cborDecode(Buffer.concat(pieces), captureSchema);
    // Attack: a device that passes something else off as what it was asked for.
    if (capture.manifest.id !== id || capture.manifest.device !== device) throw nothingHere(command);
    const { digest, sizeBytes } = data.upload;
    return { view: { manifest: capture.manifest, digest, sizeBytes, keptUntilMs: untilMs }, capture };
  };
  return {
    async requireAllowed(device, { edges, pipeline }) {
      const release = (await devices.find(device)).reported?.running?.release;
      const policies = release === undefined ? undefined : await policiesOf(release);
      if (release === undefined || policies === undefined) return;
      const known = await releases.edges(release, pipeline);
      const unknown = edges.findIndex((edge) => !known.edges.includes(edge));
      if (unknown !== -1) {
        throw new StarlingError('unknown-edge', `the pipeline that runs has no port ${edges[unknown]}`, {
          field: `arguments.edges.${unknown}`,
          hint: `ports: ${known.edges.join(', ')}`,
        });
      }
      if (policies.capture.enabled) return;
      const { name } = (await releases.find(release)).document;
      throw new StarlingError(
        'capture-refused',
        `${edges.join(', ')} cannot be captured: the policy of release ${name} allows no captures`,
        {
          field: 'arguments.edges',
          hint: captureHint(edges, policies.egress, known.prefix),
        },
      );
    },
    show: async (id) => (await find(id)).view,
    async archive(id) {
      const { capture } = await find(id);
      return { name: `capture-${id}.zip`, bytes: archiveOf(capture) };
    },
    async references() {
      const found = new Set<string>();
      for (const { manifest, release, finishedAtMs } of await capturesKept(db)) {
        if (clock.nowMs() > (await keptUntilMs(release, finishedAtMs))) continue;
        for (const digest of await blobs.reachable(manifest)) found.add(digest);
      }
      return found;
    },
  };
}

function nothingHere({ name, status }: Pick<CommandView, 'name' | 'status'>): StarlingError {
  return new StarlingError('not-found', `the command ${name} (${status}) has brought no capture`, {
    field: 'id',
    hint: 'send the command "capture", and wait until it is done',
  });
}

/** All that a release has to say for these edges to be captured: what would be refused next as well. */
function captureHint(edges: readonly string[], egress: EgressPolicy, prefix: string): string {
  const outputs = egress.outputs.map((output) => (output.startsWith(prefix) ? `${OUTPUT_NODE}.${output.slice(prefix.length)}` : ''));
  const shut = edges.filter((edge) => !egress.edges.includes(prefix + edge) && !outputs.includes(edge));
  const enabled = 'make a release whose policies.capture.enabled is true';
  return shut.length === 0 ? enabled : `${enabled}, and whose policies.egress.edges names ${shut.map((edge) => prefix + edge).join(', ')}`;
}
