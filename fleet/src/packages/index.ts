/** The agent's sources and the native parts of each platform -> a signed package -> one command that installs it. */
export { type BuiltPackage, buildPackage } from './build-package.ts';
export { createPackages, type Packages } from './packages.ts';
