import { useDebouncedValue } from '@mantine/hooks';
import { api, type ExperimentSpecInput, type ResponseOf, type RolloutSpecInput, type StarlingError } from '@starling/shared';
import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { apiClient } from './api-client.ts';

const PAUSE_MS = 500;

interface Bodies {
  previewRollout: { spec: RolloutSpecInput; all: boolean };
  previewExperiment: { spec: ExperimentSpecInput; all: boolean };
}

/** What a written one would do, asked of the fleet when the typing pauses. @param isRight `false`: nothing is asked */
export function useSpecPreview<Name extends keyof Bodies>(
  name: Name,
  body: Bodies[Name],
  isRight = true,
): UseQueryResult<ResponseOf<(typeof api)[Name]>, StarlingError> {
  const [settled] = useDebouncedValue(JSON.stringify(body), PAUSE_MS);
  return useQuery<ResponseOf<(typeof api)[Name]>, StarlingError>({
    queryKey: [name, {}, settled],
    queryFn: () => apiClient.call<(typeof api)[Name]>(api[name], { body: JSON.parse(settled) } as never),
    // What is being typed may have ceased to be right while the text before it is still asked about.
    enabled: isRight && settled === JSON.stringify(body),
    placeholderData: keepPreviousData,
    staleTime: 0,
    retry: false,
  });
}
