/** Connections of devices, or a broker that has them -> authenticated, kept to their own topics -> one handler per message; and the way back. */

export { type AskedByBroker, createAskedByBroker, isSame, topicOfRoutingKey } from './ask-fleet.ts';
export type { Broker, DeviceTopics } from './broker.ts';
export { createCommonTopics, createShardTopics, type ShardTopics } from './device-topics.ts';
export { createBroker, type EmbeddedBroker, listenOn } from './embedded.ts';
export { createExternalBroker, type ExternalBroker, type ExternalBrokerOptions } from './external.ts';
export { createInbound, type InboundPorts } from './inbound/index.ts';
export { createRateLimit } from './rate-limit.ts';
export { createRelay } from './relay.ts';
