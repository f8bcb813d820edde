import { Table } from '@mantine/core';
import type { ArtefactView, api, MeasurePlanItem, ResponseOf } from '@starling/shared';
import type { ReactNode } from 'react';
import { TextLink } from '../../parts/link.tsx';
import { Panel } from '../../parts/panel.tsx';
import { kindWords } from '../../parts/recipe-words.ts';
import { Tag, type Tone } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

export type MeasurePlan = ResponseOf<typeof api.measurePlan>;

const states: Record<MeasurePlanItem['state'], { words: string; tone: Tone }> = {
  measuring: { words: 'measuring', tone: 'busy' },
  next: { words: 'comes next', tone: 'idle' },
  waiting: { words: 'waits', tone: 'idle' },
};

/** What the fleet has devices measure by itself; nothing where there is nothing to do. */
export function PlanPanel({ plan, artefacts }: { plan: MeasurePlan | undefined; artefacts: readonly ArtefactView[] }) {
  if (plan === undefined || plan.items.length === 0) return null;
  return (
    <Panel
      title="To be measured"
      note="Idle devices that run this model measure it by themselves, a few of each profile; others where somebody asked for it."
      flush
    >
      <WideTable label="To be measured" fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Artefact</Table.Th>
            <Table.Th>Profile</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Devices</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {plan.items.map(({ profile, artefact, recipe, state, devices, why }) => (
            <Table.Tr key={`${profile} ${artefact}`}>
              <Table.Td>{nameOf(artefacts, artefact, recipe)}</Table.Td>
              <Table.Td>{profile}</Table.Td>
              <Table.Td>
                <PlanState state={state} />
              </Table.Td>
              <Table.Td>{devices.length === 0 ? '–' : devices.map(linked)}</Table.Td>
              <Table.Td maw={420} data-long>
                {why}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </WideTable>
    </Panel>
  );
}

export function PlanState({ state }: { state: MeasurePlanItem['state'] }) {
  const { words, tone } = states[state];
  return (
    <Tag tone={tone} isActive={state === 'measuring'}>
      {words}
    </Tag>
  );
}

function linked({ id, name }: MeasurePlanItem['devices'][number], index: number): ReactNode {
  return (
    <span key={id}>
      {index > 0 && ', '}
      <TextLink to="/devices/$id" params={{ id }} size="sm">
        {name}
      </TextLink>
    </span>
  );
}

function nameOf(artefacts: readonly ArtefactView[], digest: string, recipe: string): string {
  const artefact = artefacts.find((each) => each.digest === digest);
  return artefact === undefined ? recipe : kindWords(artefact);
}
