import type { Pipeline } from '@starling/shared';

/** Why a pipeline cannot be given an image, as a sentence; undefined where its first input takes one. */
export function noImageReason({ name, inputs }: Pick<Pipeline, 'name' | 'inputs'>): string | undefined {
  const [first] = Object.entries(inputs);
  if (first === undefined) return `${name} takes no image: its items come from sources of its own. The graph shows what they give.`;
  const [input, type] = first;
  return type === 'encoded-image' ? undefined : `${name} takes no image: its input ${input} is ${type}.`;
}
