import { OpenAPIHono, z } from '@hono/zod-openapi';
import { API_BASE, api, type Endpoint, neededScope, problemDetailsSchema, tapStreamPath, tapValueViewSchema } from '@starling/shared';

/** The OpenAPI 3.1 document of every route, from the endpoint table that also routes and guards them. */
export function openApiDocument() {
  const { openAPIRegistry: registry, getOpenAPI31Document } = new OpenAPIHono();
  registry.registerComponent('securitySchemes', 'session', { type: 'apiKey', in: 'cookie', name: 'starling.session_token' });
  registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  for (const [name, endpoint] of Object.entries(api)) registry.registerPath({ operationId: name, ...describe(endpoint) });
  registry.registerPath({
    operationId: 'events',
    method: 'get',
    path: '/events',
    tags: ['fleet'],
    summary: 'What changes in the fleet, as server-sent events; a heartbeat every 15 s',
    description: 'Needs the role viewer; of a scoped API token, fleet:read.',
    responses: { 200: { description: 'A stream without end', content: { 'text/event-stream': { schema: z.string() } } }, ...problems },
  });
  registry.registerPath({
    operationId: 'tapValues',
    method: 'get',
    path: tapStreamPath('{id}', '{tap}'),
    tags: ['taps'],
    summary: 'Values of a tap, as server-sent events, until it ends; a heartbeat every 15 s',
    description: 'Needs the role operator; of a scoped API token, taps:read.',
    request: { params: z.object({ id: z.string(), tap: z.string() }) },
    responses: {
      200: { description: 'Events with a value each', content: { 'text/event-stream': { schema: tapValueViewSchema } } },
      ...problems,
    },
  });
  registry.registerPath({
    operationId: 'authority',
    method: 'get',
    path: '/trust/ca.pem',
    tags: ['trust'],
    summary: "Certificate of the fleet's own authority; not found where the fleet was given certificates",
    description: 'Needs no login.',
    security: [],
    responses: { 200: { description: 'PEM', content: { 'application/x-pem-file': { schema: z.string() } } }, ...problems },
  });
  return getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Starling fleet API', version: '1', description: 'Manage devices, models, pipelines and releases of a fleet.' },
    servers: [{ url: API_BASE }],
    security: [{ session: [] }, { token: [] }],
  });
}

const problems = {
  default: { description: 'A problem (RFC 9457)', content: { 'application/problem+json': { schema: problemDetailsSchema } } },
};

function describe(endpoint: Endpoint) {
  const names = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const content = endpoint.rawBody
    ? { 'application/octet-stream': { schema: z.string().meta({ format: 'binary' }) } }
    : endpoint.body === undefined
      ? undefined
      : { 'application/json': { schema: endpoint.body } };
  return {
    method: endpoint.method,
    path: endpoint.path,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: describeAccess(endpoint),
    ...(endpoint.access === 'public' ? { security: [] } : {}),
    request: {
      ...(names.length === 0 ? {} : { params: z.object(Object.fromEntries(names.map((name) => [name, z.string()]))) }),
      ...(endpoint.query === undefined ? {} : { query: endpoint.query }),
      ...(content === undefined ? {} : { body: { content, required: true } }),
    },
    responses: {
      200: { description: 'Done', content: { 'application/json': { schema: endpoint.response } } },
      ...problems,
    },
  };
}

function describeAccess(endpoint: Endpoint): string {
  const { access, anyScope } = endpoint;
  if (access === 'public') return 'Needs no login.';
  return `Needs the role ${access}${anyScope === true ? '' : `; of a scoped API token, ${neededScope(endpoint)}`}.`;
}
