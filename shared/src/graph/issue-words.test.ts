import { expect, test } from 'vitest';
import { z } from 'zod';
import { wordsOfIssue } from './issue-words.ts';

const wordsOf = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value).error?.issues ?? []).map((issue) => Object.values(wordsOfIssue(issue)).join(' | '));

test.each<[z.ZodType, unknown, string]>([
  [z.string(), 1, 'has to be text, and is a number | put it into quotes'],
  [z.number(), '1', 'has to be a number, and is text | write a number, without quotes'],
  [z.int(), 1.5, 'has to be a whole number, and is a number | write a whole number'],
  [z.boolean(), 'yes', 'has to be true or false, and is text | write true or false'],
  [z.array(z.string()), {}, 'has to be a list, and is an object | write a list, such as [a, b]'],
  [z.record(z.string(), z.string()), [], 'has to be an object, and is a list | write names with values, such as { a: 1 }'],
  [z.number().max(7), 9, 'has to be at most 7'],
  [z.number().positive(), 0, 'has to be more than 0'],
  [z.string().max(2), 'abc', 'has to have at most 2 characters'],
  [z.array(z.string()).min(1), [], 'is empty'],
  [z.enum(['a', 'b']), 'c', 'is none of a, b'],
  [z.literal(1), 2, 'has to be 1'],
  [z.strictObject({ a: z.string().optional() }), { b: 1 }, '"b" means nothing here'],
])('%#: a value is told what it has to be', (schema, value, words) => {
  expect(wordsOf(schema, value)).toEqual([words]);
});

test('what a schema says in its own words stays', () => {
  expect(wordsOf(z.number().max(7, 'too many cameras'), 9)).toEqual(['too many cameras']);
  expect(wordsOf(z.string().regex(/^a$/, 'write a'), 'b')).toEqual(['write a']);
});
