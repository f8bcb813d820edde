import type { BuildMethod } from '@starling/shared';

/** Methods that this fleet can build by. The builder has a function for each of them: leave one out, and it does not compile. */
export const wiredMethods = ['source', 'weights-int8'] as const satisfies readonly BuildMethod[];
export type WiredMethod = (typeof wiredMethods)[number];

export function isWired(method: BuildMethod): method is WiredMethod {
  return (wiredMethods as readonly BuildMethod[]).includes(method);
}
