import { artefactFiles, type CommandArguments, type CommandName, commandTable, parseWith, StarlingError } from '@starling/shared';
import type { AgentBuilds } from '../agent-builds/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Models } from '../models/index.ts';

export interface Grant {
  /** Chunks that the device may fetch while the command is open. */
  blobs: string[];
  /** How long the command may take beyond the usual. */
  extraLifeMs: number;
}

/** @param device the one that it is for; one of many says itself what it does not do */
export type CommandGrants = (name: CommandName, commandArguments: Record<string, unknown>, device?: string) => Promise<Grant>;

/** Over a slow line, with the time in which it has to prove itself. */
const UPDATE_LIFE_MS = 2 * 3_600_000;
/** What a capture has kept may take this long to arrive: the device may be away when it ends. */
const CAPTURE_UPLOAD_MS = 6 * 3_600_000;

/**
 * What a command lets its device fetch, beside what the device's own releases reach: the artefacts that a benchmark names, an agent.
 * @throws StarlingError `unknown-artefact`, `unknown-edge`, `unknown-pipeline`, `capture-refused`
 */
export function createCommandGrants({
  models,
  blobs,
  agentBuilds,
  captures,
}: {
  models: Models;
  blobs: Pick<BlobStore, 'reachable'>;
  agentBuilds: Pick<AgentBuilds, 'reachable'>;
  /** @throws StarlingError `unknown-edge`, `unknown-pipeline`, `capture-refused` */
  captures: { requireAllowed(device: string, asked: Pick<CommandArguments<'capture'>, 'edges' | 'pipeline'>): Promise<void> };
}): CommandGrants {
  const grantArtefacts = async ({
    artefacts,
    budgetMs,
    idleWaitMs,
  }: Pick<CommandArguments<'benchmark'>, 'artefacts' | 'budgetMs' | 'idleWaitMs'>): Promise<Grant> => {
    const reached = new Set<string>();
    for (const [index, { artefact, modelVersion }] of artefacts.entries()) {
      const known = (await models.artefacts(modelVersion)).find(({ digest }) => digest === artefact);
      if (known === undefined) {
        throw new StarlingError('unknown-artefact', `there is no artefact ${artefact} of model version ${modelVersion}`, {
          field: `arguments.artefacts.${index}.artefact`,
          hint: 'see "starling model show"',
        });
      }
      const { golden } = known.document;
      reached.add(artefact).add(modelVersion);
      if (golden !== undefined) reached.add(golden.digest);
      for (const { manifest } of artefactFiles(known.document)) for (const chunk of await blobs.reachable(manifest)) reached.add(chunk);
    }
    return { blobs: [...reached], extraLifeMs: Math.max(1, artefacts.length) * (budgetMs + idleWaitMs) };
  };
  return async (name, commandArguments, device) => {
    if (name === 'update-agent') {
      const { build } = parseWith(commandTable[name].arguments, commandArguments);
      return { blobs: await agentBuilds.reachable(build), extraLifeMs: UPDATE_LIFE_MS };
    }
    if (name === 'capture') {
      const asked = parseWith(commandTable[name].arguments, commandArguments);
      if (device !== undefined) await captures.requireAllowed(device, asked);
      const { durationMs } = asked;
      return { blobs: [], extraLifeMs: durationMs + CAPTURE_UPLOAD_MS };
    }
    return name === 'benchmark' || name === 'tune'
      ? grantArtefacts(parseWith(commandTable[name].arguments, commandArguments))
      : { blobs: [], extraLifeMs: 0 };
  };
}
