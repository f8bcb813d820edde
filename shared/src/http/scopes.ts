import { z } from 'zod';
import { agentBuildEndpoints } from './agent-builds.ts';
import { analysisEndpoints } from './analyses.ts';
import { buildEndpoints } from './builds.ts';
import { bulkEndpoints } from './bulk.ts';
import { captureEndpoints } from './captures.ts';
import { catalogueEndpoints } from './catalogue.ts';
import { choiceEndpoints } from './choices.ts';
import { commandBatchEndpoints } from './command-batches.ts';
import { commandEndpoints } from './commands.ts';
import { deviceEndpoints } from './devices.ts';
import type { Endpoint } from './endpoint.ts';
import { experimentEndpoints } from './experiments.ts';
import { feedbackEndpoints } from './feedback.ts';
import { fleetEndpoints } from './fleet.ts';
import { fleetMapEndpoints } from './fleet-map.ts';
import { groupEndpoints } from './groups.ts';
import { operatorEndpoints } from './operators.ts';
import { peopleEndpoints } from './people.ts';
import { rolloutEndpoints } from './rollouts.ts';
import { tapEndpoints } from './taps.ts';
import { telemetryEndpoints } from './telemetry.ts';

/** Everything that a scope can be about. Its own endpoints (`callers.ts`) add no area of their own. */
const scoped = {
  ...fleetEndpoints,
  ...fleetMapEndpoints,
  ...deviceEndpoints,
  ...agentBuildEndpoints,
  ...commandEndpoints,
  ...captureEndpoints,
  ...bulkEndpoints,
  ...groupEndpoints,
  ...commandBatchEndpoints,
  ...catalogueEndpoints,
  ...buildEndpoints,
  ...choiceEndpoints,
  ...analysisEndpoints,
  ...rolloutEndpoints,
  ...experimentEndpoints,
  ...feedbackEndpoints,
  ...tapEndpoints,
  ...telemetryEndpoints,
  ...peopleEndpoints,
  ...operatorEndpoints,
} as const;
type Guarded = Exclude<(typeof scoped)[keyof typeof scoped], { access: 'public' }>;

/** Parts of the API, as the documentation groups it: the tags of all endpoints that need a login. */
export type Area = Guarded['tag'];

/** What an API token may do in one area; `write` includes `read`. The role of the token bounds all of them. */
export type Scope = `${Area}:${'read' | 'write'}`;

/** Whether a request changes anything that lasts. */
export function changesSomething({ method, changes }: Endpoint): boolean {
  return changes ?? method !== 'get';
}

/** The scope that an endpoint asks of a token that has some. */
export function neededScope(endpoint: Endpoint): Scope {
  return `${endpoint.tag}:${changesSomething(endpoint) ? 'write' : 'read'}` as Scope;
}

/** Every scope that some endpoint asks for, so that none is without a meaning. */
export const scopeSchema = z.enum([...new Set(guarded().map(neededScope))].sort());

/** At least one: a token without a list may do all that its role may. */
export const scopesSchema = z.array(scopeSchema).min(1).max(scopeSchema.options.length);

/** @param scopes null: all of them */
export function coversScope(scopes: readonly Scope[] | null, needed: Scope): boolean {
  return scopes === null || scopes.includes(needed) || scopes.includes(needed.replace(/:read$/, ':write') as Scope);
}

function guarded(): Endpoint[] {
  return Object.values<Endpoint>(scoped).filter(({ access }) => access !== 'public');
}
