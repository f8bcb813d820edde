import { api, type CallOptions, type EndpointName, isStarlingError, type ResponseOf, type StarlingError } from '@starling/shared';
import { queryOptions, type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { apiClient } from './api-client.ts';

type Api = typeof api;
type EndpointsOf<Method extends string> = {
  [Name in EndpointName]: Api[Name]['method'] extends Method ? Name : never;
}[EndpointName];
export type ReadName = EndpointsOf<'get'>;
export type ChangeName = EndpointsOf<'post' | 'put' | 'patch' | 'delete'>;

/**
 * How an endpoint is read and cached. Keys start with the endpoint's name, so that a live event can name what became old.
 * @throws StarlingError with the server's code, field and hint
 */
export function read<Name extends ReadName>(name: Name, options: CallOptions<Api[Name]>) {
  return queryOptions<ResponseOf<Api[Name]>, StarlingError>({
    queryKey: [name, options.params ?? {}, options.query ?? {}],
    queryFn: () => apiClient.call<Api[Name]>(api[name], options),
    retry: (failures, error) => failures < 2 && isStarlingError(error) && error.retryable,
  });
}

/** A change through an endpoint; what it makes old is read again before it counts as done. */
export function useChange<Name extends ChangeName>(
  name: Name,
  { makesOld, onDone }: { makesOld: readonly ReadName[]; onDone?: (answer: ResponseOf<Api[Name]>) => void },
): UseMutationResult<ResponseOf<Api[Name]>, StarlingError, CallOptions<Api[Name]>> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (options: CallOptions<Api[Name]>) => apiClient.call<Api[Name]>(api[name], options),
    onSuccess: async (answer) => {
      onDone?.(answer);
      await Promise.all(makesOld.map((each) => queries.invalidateQueries({ queryKey: [each] })));
    },
  });
}
