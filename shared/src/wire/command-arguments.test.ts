import { expect, test } from 'vitest';
import { type CommandName, commandNameSchema, commandTable } from './command.ts';
import { readArguments } from './command-arguments.ts';

test.each<[CommandName, unknown, string, string]>([
  ['logs', { lineCont: 5 }, 'arguments.lineCont', 'did you mean "lineCount"?'],
  ['ping', { message: 'hello' }, 'arguments.message', 'it has none'],
  ['benchmark', { repeat: 5 }, 'arguments.repeat', expect.stringMatching(/^arguments: artefacts, .*runs/) as unknown as string],
  ['model-load', { modle: 'digits' }, 'arguments.modle', 'did you mean "model"?'],
  [
    'benchmark',
    { artefacts: [{ artefact: 'a'.repeat(64), modelVersion: 'b'.repeat(64), kind: 'x' }] },
    'arguments.artefacts.0.kind',
    'leave it out',
  ],
])('%s %j is refused with the nearest name', (name, given, field, hint) => {
  expect(() => readArguments(name, given)).toThrowError(expect.objectContaining({ code: 'unknown-argument', field, hint }));
});

test('what is right is read with its defaults, and what is wrong else is told as before', () => {
  expect(readArguments('logs', {})).toEqual({ lineCount: 100 });
  expect(readArguments('identify', { message: 'here' })).toEqual({ message: 'here' });
  expect(() => readArguments('logs', { lineCount: 0 })).toThrowError(expect.objectContaining({ field: 'lineCount' }));
});

test('devices still let pass what a newer fleet may send', () => {
  for (const name of commandNameSchema.options) {
    const issues = commandTable[name].arguments.safeParse({ ofTomorrow: 1 }).error?.issues ?? [];
    expect(issues.map(({ code }) => code)).not.toContain('unrecognized_keys');
  }
});
