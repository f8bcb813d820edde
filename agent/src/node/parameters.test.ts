import { pipelineSchema } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { parametersHere, readParameterTexts, valuesOfTexts } from './parameters.ts';

const { parameters } = pipelineSchema.pick({ parameters: true }).parse({
  parameters: {
    camera_url: { default: 'rtsp://camera.local/1', overridable: 'device' },
    count: { default: 3, overridable: 'device', maximum: 9 },
    loud: { default: false, overridable: 'device' },
    fixed: { default: 1 },
  },
});

describe('parameters that a device sets', () => {
  test('are read as name=value, where a value may hold anything', () => {
    expect(readParameterTexts(['a=b', 'url=rtsp://x/?q=1', 'empty='])).toEqual({ a: 'b', url: 'rtsp://x/?q=1', empty: '' });
    for (const text of ['novalue', '=x', ''])
      expect(() => readParameterTexts([text])).toThrow(expect.objectContaining({ code: 'invalid-config', field: 'set' }));
  });

  test('get the type of the parameter; those of other pipelines are passed over', () => {
    expect(valuesOfTexts({ parameters }, { count: '5', loud: 'true', camera_url: '7', other: 'x' })).toEqual({
      count: 5,
      loud: true,
      camera_url: '7',
    });
  });

  test.each([{ count: 'many' }, { count: '' }, { loud: 'yes' }, { count: '10' }, { fixed: '2' }])('refuse %j', (texts) => {
    expect(() => parametersHere({ parameters }, texts as unknown as Record<string, string>)).toThrow(
      expect.objectContaining({ code: 'invalid-parameter' }),
    );
  });

  test('take the place of the defaults', () => {
    expect(parametersHere({ parameters }, { count: '5' })).toEqual({
      camera_url: 'rtsp://camera.local/1',
      count: 5,
      loud: false,
      fixed: 1,
    });
  });
});
