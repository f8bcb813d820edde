/** Tables, one file per subject -> drizzle, migrations and the store of each module. */
export * from './accounts.ts';
export * from './agent-builds.ts';
export * from './analysis.ts';
export * from './builds.ts';
export * from './catalogue.ts';
export * from './cluster.ts';
export * from './command-batches.ts';
export * from './devices.ts';
export * from './experiments.ts';
export * from './fleet-state.ts';
export * from './groups.ts';
export * from './measurements.ts';
export * from './operators.ts';
export * from './people.ts';
export * from './rollouts.ts';
export * from './telemetry.ts';
