/** A capture that a device has uploaded, and its release -> who may make one, what it holds, one archive, and how long it is kept. */
export { type Captures, createCaptures } from './captures.ts';
