import { policiesSchema } from '@starling/shared';
import { expect, test } from 'vitest';
import { commandToWatch } from './release-command.ts';

const digest = 'a'.repeat(64);
const release = {
  pipeline: { name: 'watch', version: '1.0.0', digest },
  alongside: [{ name: 'beside', version: '2.0.0', digest }],
  models: [{ name: 'detect', version: '4.0.0', digest }],
  parameters: { 'beside:hold': 5, title: "Gate's view" },
  policies: policiesSchema.parse({ egress: { outputs: ['boxes'], edges: ['decode.image'], sinks: ['hook'] } }),
};

test('a release that may be watched keeps all that the one before allows and sets', () => {
  expect(commandToWatch(release, 'measure.statistics')).toEqual({
    command: [
      'starling release create NAME --pipeline watch@1.0.0 --alongside beside@2.0.0 --model detect=4.0.0',
      "--set beside:hold=5 --set 'title=Gate'\\''s view' --allow-output boxes --allow-edge decode.image",
      '--allow-edge measure.statistics --sink hook',
    ].join(' '),
    leftOut: [],
  });
});

test('what only a file can say is named', () => {
  const policies = policiesSchema.parse({ capture: { enabled: true }, retention: { resultDays: 3 }, power: { maximumWatts: 9 } });
  expect(commandToWatch({ ...release, policies }, 'a.b').leftOut).toEqual(['capture', 'retention', 'power']);
});
