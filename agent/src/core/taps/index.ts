/** Values of edges from the runtime host, and who asked for them -> messages to the fleet, as far as the link carries them. */
export { createTapRelay, type OpenTap, type TapRelay } from './relay.ts';
