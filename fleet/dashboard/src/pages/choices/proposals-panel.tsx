import { Button, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { counted } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { ChangeTable } from './change-table.tsx';
import { useApply } from './use-apply.ts';

/** Devices for which another artefact is clearly better by now. Nothing changes until somebody says so. */
export function ProposalsPanel() {
  const { may } = useSession();
  const [page, setPage] = useState(1);
  const proposals = useQuery({ ...read('listProposals', { query: pageQuery(page) }), placeholderData: keepPreviousData });
  const apply = useApply();
  const total = proposals.data?.total ?? 0;
  return (
    <Panel
      title="Proposals"
      note="Devices for which another artefact is clearly better by what is measured now. They change when you apply it."
      flush
      actions={
        total > 0 &&
        may('operator') && (
          <Button size="xs" loading={apply.isAll} disabled={apply.isPending} onClick={apply.toAll}>
            Apply all
          </Button>
        )
      }
    >
      <QueryView query={proposals} heightPx={140}>
        {({ items, limit, offset, choices, unmeasured }) =>
          items.length === 0 ? (
            <EmptyState title="Nothing to change">{whyNothing(choices, unmeasured)}</EmptyState>
          ) : (
            <>
              <ChangeTable changes={items} label="Proposals" {...(may('operator') && { apply })} />
              <Pager {...{ total, limit, offset }} what="proposals" onPage={setPage} />
            </>
          )
        }
      </QueryView>
      {apply.isPending && (
        <Text size="sm" c="dimmed" role="status" px="md">
          The devices are told …
        </Text>
      )}
    </Panel>
  );
}

/** Nothing may be better, or nobody may know. */
function whyNothing(choices: number, unmeasured: number): string {
  if (choices === 0) return 'No device has a release.';
  if (unmeasured === choices) return 'Nothing is measured yet, so nothing is known to be better.';
  const better = 'Nothing is clearly better by what is measured so far.';
  return unmeasured === 0 ? better : `${better} ${counted(unmeasured)} of ${counted(choices)} choices are not measured yet.`;
}
