import { describe, expect, test } from 'vitest';
import { exceptions } from './exceptions.ts';
import { judge } from './judge.ts';
import { rules } from './rules/index.ts';
import { readSourceFiles } from './source-file.ts';
import { repositoryRoot } from './steps.ts';

const files = readSourceFiles(repositoryRoot);

test('the tree was read', () => {
  expect(files.map((file) => file.path)).toEqual(expect.arrayContaining(['package.json', 'shared/src/index.ts', 'e2e/tidy/tidy.test.ts']));
});

describe('the tree keeps', () => {
  test.each(rules.map((rule) => [rule.name, rule] as const))('%s', (_name, rule) => {
    expect(judge(rule, files, exceptions)).toEqual([]);
  });
});

describe('the exceptions', () => {
  test('name rules that exist, and say why', () => {
    const names = new Set(rules.map((rule) => rule.name));
    for (const exception of exceptions) {
      expect(names).toContain(exception.rule);
      expect(exception.reason.length).toBeGreaterThan(20);
    }
  });
});
