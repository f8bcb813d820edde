/** A way to start a thread with a script -> the port of a sandbox that outlives what its scripts do. */

export { arraysIn, packValue, unpackValue } from './packed-values.ts';
export type { ScriptProblem, ScriptReply, ScriptRequest } from './script-messages.ts';
export { createSandbox, type ScriptThread, type ScriptThreadEvents } from './supervise-script.ts';
