import { Button, Table } from '@mantine/core';
import type { ArtefactChoice, ChoiceChange } from '@starling/shared';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { TextLink } from '../../parts/link.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import type { Apply } from './use-apply.ts';

interface ChangeTableProps {
  changes: readonly ChoiceChange[];
  label: string;
  /** Where the changes may be made here, one device at a time. */
  apply?: Apply;
}

/** Devices that would run another artefact than they do, and why. */
export function ChangeTable({ changes, label, apply }: ChangeTableProps) {
  return (
    <WideTable label={label} fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Device</Table.Th>
          <Table.Th>Profile</Table.Th>
          <Table.Th>Model</Table.Th>
          <Table.Th>Runs</Table.Th>
          <Table.Th>Would run</Table.Th>
          <Table.Th>Why</Table.Th>
          {apply !== undefined && (
            <Table.Th>
              <span className="visually-hidden">What to do</span>
            </Table.Th>
          )}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {changes.map(({ device, name, profile, model, from, to, choice }) => (
          <Table.Tr key={`${device} ${model}`}>
            <Table.Td>
              <TextLink to="/devices/$id" params={{ id: device }} fw={600} size="sm">
                {name}
              </TextLink>
            </Table.Td>
            <Table.Td>{profile}</Table.Td>
            <Table.Td>{model}</Table.Td>
            <Table.Td>{from === null ? 'nothing' : candidateWords(choice, from)}</Table.Td>
            <Table.Td fw={600}>{candidateWords(choice, to)}</Table.Td>
            <Table.Td maw={380} data-long>
              {choice.reason}
            </Table.Td>
            {apply !== undefined && (
              <Table.Td>
                <Button
                  size="compact-xs"
                  variant="default"
                  loading={apply.device === device}
                  disabled={apply.isPending}
                  onClick={() => apply.toDevice(device)}
                  aria-label={`Apply to ${name}, ${model}`}
                >
                  Apply
                </Button>
              </Table.Td>
            )}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

/** `static-int8-arm-percentile, 1.2 MB` */
function candidateWords({ candidates }: ArtefactChoice, artefact: string): string {
  const found = candidates.find((each) => each.artefact === artefact);
  if (found === undefined) return artefact.slice(0, 8);
  const { precision, optimisation, sizeBytes } = found;
  const kind = optimisation === '' || optimisation === 'none' ? `${precision}, as pushed` : optimisation;
  return `${kind}, ${inWords(bytesOf(sizeBytes))}`;
}
