/** A working tree -> the commit that it stands on, and what differs from it, kept results apart. */
import { execFileSync } from 'node:child_process';

export interface Tree {
  commit: string;
  changedFiles: string[];
}

/** What earlier runs found is no part of what is tested or measured. */
const results = /^e2e\/(?:bench\/)?results\//;

export function treeAt(root: string): Tree {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
  const changedFiles = git('status', '--porcelain', '--untracked-files=all')
    .split('\n')
    .map((line) => line.slice(3))
    .filter((file) => file !== '' && !results.test(file));
  return { commit: git('rev-parse', 'HEAD').trim(), changedFiles };
}
