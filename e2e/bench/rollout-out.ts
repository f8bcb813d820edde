import type { Measure, Say } from './result.ts';
export async function measureRolloutOut(_say: Say): Promise<Measure[]> {
  return [];
}
