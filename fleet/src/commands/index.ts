/** What a person asks of a device -> a signed command, sent now or at its next connect -> its result. */
export { type CommandBatches, createCommandBatches } from './batches.ts';
export { type Commands, createCommands } from './commands.ts';
export { type CommandGrants, createCommandGrants } from './grants.ts';
export { resultOf } from './result-of.ts';
export { capturesKept, forgetCommands, type MeasuringCommand, measuringCommands } from './store.ts';
