/** HTTP requests -> parsed by their endpoint's schema, answered by a module -> JSON or a problem. */

export { brokerAccessRoutes } from './broker-access.ts';
export { type ApiPorts, createApi } from './create-api.ts';
export { openApiDocument } from './openapi.ts';
export type { OperatorLink } from './operators.ts';
