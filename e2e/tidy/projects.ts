/** The workspace -> its TypeScript projects and the compiler that checks them. */
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { repositoryRoot } from './steps.ts';

/** TypeScript 7; `typescript` itself stays at 6, whose API other tools parse with. */
export const compilerPath = fileURLToPath(new URL('../../node_modules/typescript-native/bin/tsc', import.meta.url));

/** Every tsconfig of a package, relative to the repository. */
export function findProjects(): string[] {
  const isSkipped = (name: string): boolean => name === 'node_modules' || name === 'dist';
  return globSync('{*,*/*,*/src/*}/tsconfig*.json', { cwd: repositoryRoot, exclude: isSkipped }).toSorted();
}
