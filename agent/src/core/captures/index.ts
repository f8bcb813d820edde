/** Values of edges from the runtime host, and who asked to keep them -> a file on this device -> one upload to the fleet. */
export { type Captures, openCaptures } from './captures.ts';
