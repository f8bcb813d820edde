import { buildEndpoints } from './builds.ts';
import { callerEndpoints } from './callers.ts';
import { catalogueEndpoints } from './catalogue.ts';
import { choiceEndpoints } from './choices.ts';
import { deviceEndpoints } from './devices.ts';
import { fleetEndpoints } from './fleet.ts';
import { measuringEndpoints } from './measuring.ts';
import { peopleEndpoints } from './people.ts';
import { rolloutEndpoints } from './rollouts.ts';
import { tapEndpoints } from './taps.ts';

/** Path below which all routes lie. */
export const API_BASE = '/api/v1';

/** Every JSON route of the fleet. Streams (`/events`, values of taps) and files (agent packages, certificates) are declared beside their handlers. */
export const api = {
  ...fleetEndpoints,
  ...deviceEndpoints,
  ...catalogueEndpoints,
  ...buildEndpoints,
  ...choiceEndpoints,
  ...measuringEndpoints,
  ...rolloutEndpoints,
  ...tapEndpoints,
  ...peopleEndpoints,
  ...callerEndpoints,
} as const;
export type EndpointName = keyof typeof api;
