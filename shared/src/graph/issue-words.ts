import type { z } from 'zod';

/** What is wrong with a value of a document, as a person says it, and what to write instead. */
export interface IssueWords {
  message: string;
  hint?: string;
}

const nouns: Readonly<Record<string, string>> = {
  ...{ string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', array: 'a list', record: 'an object' },
  ...{ object: 'an object', null: 'nothing', undefined: 'nothing', NaN: 'no number' },
};
const fixes: Readonly<Record<string, string>> = {
  ...{
    string: 'put it into quotes',
    number: 'write a number, without quotes',
    int: 'write a whole number',
    boolean: 'write true or false',
  },
  ...{
    array: 'write a list, such as [a, b]',
    object: 'write names with values, such as { a: 1 }',
    record: 'write names with values, such as { a: 1 }',
  },
};
const things: Readonly<Record<string, string>> = { string: 'characters', array: 'entries', set: 'entries', file: 'bytes' };

/** The words of the schema library stand only where no schema of ours says it in its own. */
export function wordsOfIssue(issue: z.core.$ZodIssue): IssueWords {
  const { message } = issue;
  if (issue.code === 'invalid_type' && message.startsWith('Invalid input: expected')) {
    const received = /received (\w+)$/.exec(message)?.[1] ?? '';
    const hint = fixes[issue.expected];
    return {
      message: `has to be ${nouns[issue.expected] ?? issue.expected}, and is ${nouns[received] ?? received}`,
      ...(hint === undefined ? {} : { hint }),
    };
  }
  if (issue.code === 'too_big' && message.startsWith('Too big'))
    return { message: limitWords(issue.origin, 'most', issue.maximum, issue.inclusive) };
  if (issue.code === 'too_small' && message.startsWith('Too small'))
    return { message: limitWords(issue.origin, 'least', issue.minimum, issue.inclusive) };
  if (issue.code === 'unrecognized_keys' && message.startsWith('Unrecognized'))
    return { message: `${issue.keys.map((key) => `"${key}"`).join(', ')} ${issue.keys.length === 1 ? 'means' : 'mean'} nothing here` };
  if (issue.code === 'invalid_value' && message.startsWith('Invalid')) {
    const values = issue.values.map(String);
    return { message: values.length === 1 ? `has to be ${values[0]}` : `is none of ${values.join(', ')}` };
  }
  return { message };
}

function limitWords(origin: string, side: 'most' | 'least', limit: number | bigint, inclusive = true): string {
  const thing = things[origin];
  if (thing !== undefined) return side === 'least' && Number(limit) === 1 ? 'is empty' : `has to have at ${side} ${limit} ${thing}`;
  if (inclusive) return `has to be at ${side} ${limit}`;
  return `has to be ${side === 'most' ? 'less' : 'more'} than ${limit}`;
}
