import { agentBuildEndpoints } from './agent-builds.ts';
import { analysisEndpoints } from './analyses.ts';
import { buildEndpoints } from './builds.ts';
import { bulkEndpoints } from './bulk.ts';
import { callerEndpoints } from './callers.ts';
import { captureEndpoints } from './captures.ts';
import { catalogueEndpoints } from './catalogue.ts';
import { choiceEndpoints } from './choices.ts';
import { commandBatchEndpoints } from './command-batches.ts';
import { commandEndpoints } from './commands.ts';
import { deviceEndpoints } from './devices.ts';
import { experimentEndpoints } from './experiments.ts';
import { feedbackEndpoints } from './feedback.ts';
import { fleetEndpoints } from './fleet.ts';
import { fleetMapEndpoints } from './fleet-map.ts';
import { groupEndpoints } from './groups.ts';
import { measuringEndpoints } from './measuring.ts';
import { operatorEndpoints } from './operators.ts';
import { peopleEndpoints } from './people.ts';
import { rolloutEndpoints } from './rollouts.ts';
import { tapEndpoints } from './taps.ts';
import { telemetryEndpoints } from './telemetry.ts';

/** Path below which all routes lie. */
export const API_BASE = '/api/v1';

/** Every JSON route of the fleet. Files and streams that need a login stand in `files.ts`; those for everybody (agent packages, certificates) beside their handlers. */
export const api = {
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
  ...measuringEndpoints,
  ...analysisEndpoints,
  ...rolloutEndpoints,
  ...experimentEndpoints,
  ...feedbackEndpoints,
  ...tapEndpoints,
  ...telemetryEndpoints,
  ...peopleEndpoints,
  ...operatorEndpoints,
  ...callerEndpoints,
} as const;
export type EndpointName = keyof typeof api;
