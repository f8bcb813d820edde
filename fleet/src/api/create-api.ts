import { API_BASE, pipelineJsonSchema, StarlingError } from '@starling/shared';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import type { Accounts } from '../auth/index.ts';
import { readBounded } from '../bounded-body.ts';
import type { Origins } from '../origins.ts';
import { pageHeaders } from '../pages/index.ts';
import type { Log } from '../ports.ts';
import { type AgentBuildRoutePorts, agentBuildRoutes } from './agent-builds.ts';
import { type AgentPackagePorts, agentPackageRoutes } from './agent-packages.ts';
import { type AnalysisRoutePorts, analysisRoutes } from './analyses.ts';
import { type BackupRoutePorts, backupRoutes } from './backup.ts';
import { type BuildRoutePorts, buildRoutes } from './builds.ts';
import { type CaptureRoutePorts, captureRoutes } from './captures.ts';
import { type CataloguePorts, catalogueRoutes } from './catalogue.ts';
import { type ChoicePorts, choiceRoutes } from './choices.ts';
import { type CommandBatchRoutePorts, commandBatchRoutes } from './command-batches.ts';
import { type DeviceAccessPorts, deviceAccessRoutes } from './device-access.ts';
import { deviceOrigins, devicePaths, isDeviceCall } from './device-origins.ts';
import { type DevicePorts, deviceRoutes } from './devices.ts';
import { serveDocs } from './docs.ts';
import { type EventPorts, eventRoutes } from './events.ts';
import { type ExperimentRoutePorts, experimentRoutes } from './experiments.ts';
import { type FleetPorts, fleetRoutes } from './fleet.ts';
import { type GroupRoutePorts, groupRoutes } from './groups.ts';
import { limitRefusals } from './limit-refusals.ts';
import { type ModelFileRoutePorts, modelFileRoutes } from './model-files.ts';
import { openApiDocument } from './openapi.ts';
import { type OperatorRoutePorts, operatorRoutes } from './operators.ts';
import { peopleRoutes } from './people.ts';
import { isDatabaseAway, toProblem } from './problem.ts';
import { type RolloutRoutePorts, rolloutRoutes } from './rollouts.ts';
import type { ApiApp, ApiEnv } from './route.ts';
import { type TapRoutePorts, tapRoutes } from './taps.ts';
import { type TelemetryPorts, telemetryRoutes } from './telemetry.ts';

export interface ApiPorts
  extends AgentBuildRoutePorts,
    AgentPackagePorts,
    BackupRoutePorts,
    AnalysisRoutePorts,
    BuildRoutePorts,
    CaptureRoutePorts,
    CataloguePorts,
    ChoicePorts,
    CommandBatchRoutePorts,
    DeviceAccessPorts,
    DevicePorts,
    EventPorts,
    ExperimentRoutePorts,
    FleetPorts,
    GroupRoutePorts,
    OperatorRoutePorts,
    RolloutRoutePorts,
    ModelFileRoutePorts,
    TapRoutePorts,
    TelemetryPorts {
  accounts: Accounts;
  log: Log;
  /** Origins from which a browser may change something, and those whose pages may run devices. */
  origins: Origins;
  /** WebSockets of the broker, for pages that run devices. */
  browserBrokers: readonly string[];
}

/** The whole HTTP surface of the fleet, without its sockets. */
export function createApi(ports: ApiPorts): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.use(pageHeaders(ports.browserBrokers));
  for (const { path, methods } of devicePaths) app.use(path, deviceOrigins(ports.origins, methods));
  app.use('/api/*', refuseCrossOrigin(ports.origins));
  for (const path of authPaths) app.all(`/api/auth${path}`, (context) => answerAuth(context, ports.accounts));
  const api: ApiApp = new Hono<ApiEnv>();
  api.use(async (context, next) => {
    context.set('actor', await ports.accounts.identify(context.req.raw.headers));
    await next();
    // Answers are for whoever asked: neither a proxy nor the disk of a shared machine keeps them.
    if (!context.res.headers.has('cache-control')) context.res.headers.set('cache-control', 'no-store');
  });
  for (const path of ['/enrol', '/device-access/*']) api.use(path, limitRefusals(peerOf));
  fleetRoutes(api, ports);
  peopleRoutes(api, ports);
  operatorRoutes(api, ports);
  groupRoutes(api, ports);
  catalogueRoutes(api, ports);
  choiceRoutes(api, ports);
  buildRoutes(api, ports);
  analysisRoutes(api, ports);
  deviceRoutes(api, ports);
  captureRoutes(api, ports);
  commandBatchRoutes(api, ports);
  deviceAccessRoutes(api, ports);
  agentPackageRoutes(api, ports);
  agentBuildRoutes(api, ports);
  telemetryRoutes(api, ports);
  rolloutRoutes(api, ports);
  experimentRoutes(api, ports);
  modelFileRoutes(api, ports);
  tapRoutes(api, ports);
  eventRoutes(api, ports);
  backupRoutes(api, ports);
  const openApi = openApiDocument();
  api.get('/openapi.json', (context) => context.json(openApi));
  // For editors, which send no login.
  const pipelineSchema = pipelineJsonSchema();
  api.get('/schemas/pipeline.json', (context) => context.json(pipelineSchema));
  app.route(API_BASE, api);
  serveDocs(app);
  const fail = (error: unknown): Response => {
    const problem = toProblem(error);
    if (problem.status === 500 || isDatabaseAway(error))
      ports.log.error({ error: describeError(error) }, isDatabaseAway(error) ? 'the database is away' : 'a request failed');
    return Response.json(problem, { status: problem.status, headers: { 'content-type': 'application/problem+json' } });
  };
  api.onError(fail);
  app.onError(fail);
  app.all('/api/*', (context) =>
    fail(new StarlingError('not-found', `there is no ${context.req.method} ${context.req.path}`, { hint: 'see /api/docs' })),
  );
  return app;
}

/**
 * What people need to get in and out. The other routes of the library stay shut: people and passwords are changed through our own,
 * which ask for a role and leave an audit entry.
 */
const authPaths = ['/sign-in/email', '/sign-out', '/get-session'];

/** An e-mail and a password; nothing that signs in is longer. */
const LOGIN_BYTES_MAXIMUM = 16 * 1024;

function loginTooLarge(): StarlingError {
  return new StarlingError('upload-too-large', `a login has at most ${LOGIN_BYTES_MAXIMUM} bytes`, { field: 'body' });
}

async function answerAuth(context: Context<ApiEnv>, accounts: Accounts): Promise<Response> {
  const headers = new Headers(context.req.raw.headers);
  // The address of the peer as the socket says, never as a header claims: the login limit counts by it.
  headers.set('x-starling-peer', peerOf(context.env));
  const body = ['GET', 'HEAD'].includes(context.req.method)
    ? null
    : await readBounded(context.req.raw.body, LOGIN_BYTES_MAXIMUM, loginTooLarge);
  // Read here: whoever signs in may be anybody, and an endless body would fill the memory.
  const answer = await accounts.handler(
    new Request(context.req.url, { method: context.req.method, headers, body: body === null ? null : new Uint8Array(body) }),
  );
  if (new URL(context.req.url).protocol !== 'https:') return answer;
  // A cookie that was given over TLS must never travel without. Plain HTTP exists on loopback alone.
  const cookies = answer.headers.getSetCookie();
  const secured = new Response(answer.body, answer);
  secured.headers.delete('set-cookie');
  for (const cookie of cookies) secured.headers.append('set-cookie', `${cookie}; Secure`);
  return secured;
}

/** Attack: cross-site request forgery. A browser sends Origin with every change; anything but our own is refused. */
function refuseCrossOrigin(origins: Origins): MiddlewareHandler {
  return async (context, next) => {
    const { method, path } = context.req;
    const origin = context.req.header('origin');
    const host = context.req.header('host');
    const changes = !['GET', 'HEAD', 'OPTIONS'].includes(method);
    const may =
      origin === undefined || origins.isOwn(origin, host) || (isDeviceCall(method, path) && origins.ofDevice(origin, host) !== undefined);
    if (changes && !may) {
      throw new StarlingError('cross-origin', `requests from ${origin} may not change anything`, {
        hint: 'a site whose pages run devices is let in with the setting browserOrigins',
      });
    }
    await next();
  };
}

function peerOf(environment: unknown): string {
  const incoming = (environment as { incoming?: { socket?: { remoteAddress?: string } } } | undefined)?.incoming;
  return incoming?.socket?.remoteAddress ?? 'unknown';
}

function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
