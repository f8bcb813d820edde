import type { ModelFigures, ModelView } from '@starling/shared';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { type FiguresByProfile, figuresByProfile } from './figures-by-profile.ts';

/** Devices that are asked for estimates. */
const DEVICES_MAXIMUM = 200;

/** What devices measured of a model's artefacts and, where they did not, what was estimated for them. */
export function useFigures({ digest, name }: ModelView): { figures: FiguresByProfile; query: UseQueryResult<ModelFigures> } {
  const query = useQuery(read('modelFigures', { params: { digest } }));
  const devices = useQuery(read('listDevices', { query: { limit: DEVICES_MAXIMUM } }));
  return { figures: figuresByProfile(query.data ?? { profiles: [] }, devices.data?.items ?? [], name), query };
}
