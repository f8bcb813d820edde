import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryRoot } from './steps.ts';

/** `node` in a folder of programs; pnpm puts these folders on the path of scripts. */
const nodeIn = (folder: string): string => join(repositoryRoot, folder, 'node');

describe('the Node on the path of scripts', () => {
  test('is the one of the lockfile, for this machine', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));
    expect(execFileSync(nodeIn('node_modules/.bin'), ['--version'], { encoding: 'utf8' }).trim()).toBe(`v${devDependencies.node}`);
  });

  // Install scripts find the hoisted programs first. The agent packages bring Nodes of other platforms, as bytes to ship.
  test('is no hoisted one, which may be of another platform', () => {
    expect(existsSync(nodeIn('node_modules/.pnpm/node_modules/.bin'))).toBe(false);
  });
});
