/** The agent's sources and the lockfile -> a signed package for a platform -> one command that installs it. */
export { createPackages, type Packages } from './packages.ts';
