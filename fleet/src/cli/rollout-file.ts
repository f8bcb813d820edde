import { rolloutSpecSchema, rolloutStepSchemas } from '@starling/shared';
import { readSpecFile, type SpecKind } from './spec-file.ts';

const kind: SpecKind<typeof rolloutSpecSchema> = {
  schema: rolloutSpecSchema,
  code: 'rollout-has-problems',
  hint: 'correct them from the top; docs/guides/rollouts.md lists what a rollout may say',
  example: 'name: read-signs-2',
  keysAt(path) {
    if (path[0] !== 'steps' || path.length < 2) return undefined;
    const steps = Object.values(rolloutStepSchemas);
    // What an unknown step was meant to be: one of its kinds; inside of one, what that has.
    return path.length === 2 ? [...Object.keys(rolloutStepSchemas), 'name', 'for'] : steps.flatMap((step) => Object.keys(step.shape));
  },
};

/** Reads the rollout that a person wrote. @throws StarlingError `rollout-has-problems` with every one of them, and its place; `bad-file` */
export const readRolloutFile = (file: string) => readSpecFile(file, kind);
