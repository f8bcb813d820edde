import { api, type BuildLogLine, type StarlingError } from '@starling/shared';
import { type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query';
import { apiClient } from './api-client.ts';

const PAGE_LINES = 200;
const LINES_MAXIMUM = 5000;

/** All that a build has said. Each reading asks only for what is new. */
export function useBuildLog(id: string): UseQueryResult<BuildLogLine[], StarlingError> {
  const queries = useQueryClient();
  const queryKey = ['listBuildLog', { id }];
  return useQuery<BuildLogLine[], StarlingError>({
    queryKey,
    queryFn: async () => {
      const lines = [...(queries.getQueryData<BuildLogLine[]>(queryKey) ?? [])];
      for (;;) {
        const query = { limit: PAGE_LINES, after: lines.at(-1)?.sequence ?? 0 };
        const { items } = await apiClient.call(api.listBuildLog, { params: { id }, query });
        lines.push(...items);
        if (items.length < PAGE_LINES) return lines.slice(-LINES_MAXIMUM);
      }
    },
  });
}
