import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { counted } from '../../format/quantity.ts';
import { TextLink } from '../../parts/link.tsx';
import { Panel } from '../../parts/panel.tsx';
import { ChangeTable } from '../choices/change-table.tsx';
import { useApply } from '../choices/use-apply.ts';

const SHOWN = 5;

/** Devices for which another artefact is clearly better by now; nothing where there are none. */
export function BetterChoices() {
  const { may } = useSession();
  const proposals = useQuery(read('listProposals', { query: { limit: SHOWN } }));
  const apply = useApply();
  if (proposals.data === undefined || proposals.data.total === 0) return null;
  const { items, total, devices } = proposals.data;
  return (
    <Panel
      title={devices === 1 ? 'One device could run something better' : `${counted(devices)} devices could run something better`}
      note="By what is measured now. Nothing changes until you apply it."
      flush
      actions={
        <Group gap="sm">
          {total > items.length && (
            <TextLink to="/releases" size="sm">
              All {counted(total)} proposals
            </TextLink>
          )}
          {may('operator') && (
            <Button size="xs" loading={apply.isAll} disabled={apply.isPending} onClick={apply.toAll}>
              Apply all
            </Button>
          )}
        </Group>
      }
    >
      <ChangeTable changes={items} label="Better choices" {...(may('operator') && { apply })} />
    </Panel>
  );
}
