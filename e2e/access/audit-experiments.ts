import { api, policiesSchema } from '@starling/shared';
import type { Operator } from '../harness/operator.ts';
import { findBoxes } from '../harness/small-models.ts';
import type { Drive } from './audit-groups.ts';

type ExperimentChange = 'createExperiment' | 'actOnExperiment' | 'sendFeedback';

/** Experiments, and what comes back on results. @param around what was made before: `release` is the one that the device is to run */
export function experimentDrives(
  call: Operator['client']['call'],
  around: () => { operator: Operator; device: string; release: string },
): Record<ExperimentChange, Drive> {
  return {
    createExperiment: {
      action: 'experiment.create',
      prepare: async () => {
        const policies = policiesSchema.parse({ egress: { outputs: [], edges: [], sinks: [] } });
        await around().operator.createRelease({ name: 'boxes-2', pipeline: findBoxes.name, policies });
      },
      run: async () => {
        const spec = {
          name: 'duel',
          selector: 'true',
          mode: 'split' as const,
          challengers: [{ release: 'boxes-2', percent: 10 }],
          start: false,
        };
        return (await call(api.createExperiment, { body: { spec, all: true } })).name;
      },
    },
    actOnExperiment: {
      action: 'experiment.stop',
      run: async () => (await call(api.actOnExperiment, { params: { id: 'duel' }, body: { action: 'stop' } })).name,
    },
    sendFeedback: {
      action: 'feedback.add',
      run: async () => {
        const { device, release } = around();
        const resultId = `${device}-${release.slice(0, 16)}-018bcfe56800-0123456789abcdef0123`;
        const answer = await call(api.sendFeedback, { body: { items: [{ resultId, outcome: true }] } });
        return `${answer.taken} outcomes`;
      },
    },
  };
}
