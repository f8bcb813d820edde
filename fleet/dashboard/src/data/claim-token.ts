import { api, type BodyOf, type ResponseOf, type StarlingError } from '@starling/shared';
import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { apiClient } from './api-client.ts';

type Request = BodyOf<typeof api.createClaimToken>;
type Created = ResponseOf<typeof api.createClaimToken>;

/**
 * Makes a claim token for whoever looks on: its text is shown once, so one that nobody saw must not stay open. What takes long comes
 * first, and whoever leaves meanwhile leaves no token behind; one that was made in the moment of leaving is revoked.
 */
export function useClaimToken(): UseMutationResult<Created | undefined, StarlingError, Request> {
  const queries = useQueryClient();
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);
  return useMutation({
    async mutationFn(body: Request) {
      if (body.install) await apiClient.call(api.listAgentPackages, {});
      if (!isShown.current) return undefined;
      const created = await apiClient.call(api.createClaimToken, { body });
      if (isShown.current) return created;
      await apiClient.call(api.revokeClaimToken, { params: { id: created.token.id } });
      return undefined;
    },
    onSettled: () => Promise.all(['listClaimTokens', 'listAudit'].map((each) => queries.invalidateQueries({ queryKey: [each] }))),
  });
}
