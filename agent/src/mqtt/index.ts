/** A login and what an edge knows of brokers -> one connection by mqtt.js, which both edges use. */

export { createTransport, type TransportParts } from './transport.ts';
