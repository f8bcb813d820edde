/** A signed command -> verified, run once, answered -> a result for the fleet. */
export { type CommandPorts, type CommandRunner, createCommandRunner, type Measuring } from './runner.ts';
