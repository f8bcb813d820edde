import type { ModelPorts, ModelView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { read } from '../data/queries.ts';

const NONE: ReadonlyMap<string, ModelPorts> = new Map();

/** Ports of the newest versions of the models of the fleet. */
export function useModelPorts(): { models: ReadonlyMap<string, ModelPorts>; isKnown: boolean } {
  const models = useQuery(read('listModels', { query: { limit: 200 } }));
  const newest = useMemo(() => (models.data === undefined ? NONE : newestPorts(models.data.items)), [models.data]);
  return { models: newest, isKnown: models.data !== undefined };
}

/** Lists of models begin with the newest. */
export function newestPorts(models: readonly Pick<ModelView, 'name' | 'document'>[]): ReadonlyMap<string, ModelPorts> {
  const newest = new Map<string, ModelPorts>();
  for (const { name, document } of models) if (!newest.has(name)) newest.set(name, document);
  return newest;
}
