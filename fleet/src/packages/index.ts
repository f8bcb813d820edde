/** The agent's sources and the native parts of each platform -> a signed package -> one command that installs it. */
export { createPackages, type Packages } from './packages.ts';
