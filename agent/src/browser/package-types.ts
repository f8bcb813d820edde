import * as made from './index.ts';
import type * as shipped from './package.d.ts';

/** The types of the package are written by hand, so that they need nothing of ours: this does not compile when they are wrong. */
export const offered: Pick<typeof shipped, 'createAgent' | 'defineStarlingCamera' | 'isolatePage'> = made;
