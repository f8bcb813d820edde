/** A way to start a runtime host -> the port of one that comes back; and a runtime -> what answers inside of it. */
export type { HostFailure, HostReply, HostRequest } from './host-messages.ts';
export { createHostSide, failureOf, type HostSide } from './host-side.ts';
export { type HostLife, type HostLifeEvents, type SupervisedHostPorts, superviseHost } from './supervise-host.ts';
