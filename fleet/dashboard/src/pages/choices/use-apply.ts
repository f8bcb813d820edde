import { useChange } from '../../data/queries.ts';
import { counted } from '../../format/quantity.ts';
import { announce, announceProblem } from '../../parts/notice.ts';

/** Gives devices what is proposed for them. */
export function useApply() {
  const apply = useChange('applyProposals', {
    makesOld: ['listProposals', 'listDevices', 'showDevice', 'explainChoice', 'listAudit'],
    onDone: ({ changed }) =>
      announce(changed === 1 ? 'One device gets another artefact' : `${counted(changed)} devices get another artefact`),
  });
  const asked = apply.isPending ? apply.variables.body?.devices : undefined;
  return {
    isPending: apply.isPending,
    /** The device that alone is being given its proposal. */
    device: asked?.[0],
    isAll: apply.isPending && asked === undefined,
    toDevice: (device: string): void => apply.mutate({ body: { devices: [device] } }, { onError: announceProblem }),
    toAll: (): void => apply.mutate({ body: {} }, { onError: announceProblem }),
  };
}

export type Apply = ReturnType<typeof useApply>;
