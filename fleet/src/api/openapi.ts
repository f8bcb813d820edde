import { OpenAPIHono, z } from '@hono/zod-openapi';
import { API_BASE, api, type Endpoint, type FileEndpoint, fileEndpoints, neededScope, problemDetailsSchema } from '@starling/shared';

/** The OpenAPI 3.1 document of every route, from the endpoint table that also routes and guards them. */
export function openApiDocument() {
  const { openAPIRegistry: registry, getOpenAPI31Document } = new OpenAPIHono();
  registry.registerComponent('securitySchemes', 'session', { type: 'apiKey', in: 'cookie', name: 'starling.session_token' });
  registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  for (const [name, endpoint] of Object.entries(api)) registry.registerPath({ operationId: name, ...describe(endpoint) });
  for (const [name, endpoint] of Object.entries<FileEndpoint>(fileEndpoints))
    registry.registerPath({ operationId: name, ...describeFile(endpoint) });
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

const binary = z.string().meta({ format: 'binary' });

function paramsOf(path: string) {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  return names.length === 0 ? {} : { params: z.object(Object.fromEntries(names.map((name) => [name, z.string()]))) };
}

function describeFile({ path, tag, summary, access, scope, query, contentType, content }: FileEndpoint) {
  const tokens = scope === 'all' ? 'an API token with scopes cannot have it' : `of a scoped API token, ${scope}`;
  return {
    ...{ method: 'get' as const, path, tags: [tag], summary, description: `Needs the role ${access}; ${tokens}.` },
    request: { ...paramsOf(path), ...(query === undefined ? {} : { query }) },
    responses: { 200: { description: 'Done', content: { [contentType]: { schema: content ?? binary } } }, ...problems },
  };
}

function describe(endpoint: Endpoint) {
  const content = endpoint.rawBody
    ? { 'application/octet-stream': { schema: binary } }
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
      ...paramsOf(endpoint.path),
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
