/** Connections of devices -> authenticated, kept to their own topics -> one handler per message; and the way back to one device. */
export { type Broker, createBroker, listenOn } from './embedded.ts';
export { createInbound, type InboundPorts } from './inbound/index.ts';
export { createRateLimit } from './rate-limit.ts';
export { createRelay } from './relay.ts';
